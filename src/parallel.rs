//! Work split over threads that share memory, or run by the caller alone: the algorithms don't know which.
//!
//! One pool for the whole program, because a machine has its cores once. Helpers are started once and then serve jobs
//! for ever. A job is a number of items. Each thread has a part of them that is its own, the same in every job of that
//! length, so that what it reads may still be in a cache of its own (affinity scheduling, Markatos and LeBlanc 1994). It
//! takes some of what is left of that, the fewer the closer to the end, and then of the others' parts. So a helper that is
//! late, asleep or gone does nothing and is not waited for; only one that is inside a job is. Between jobs a helper looks
//! for the next one for some microseconds, the time between two matrix products, and then sleeps: threads that keep
//! spinning starve each other as soon as the cores have other work.

use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

/// Looks at the gate before a helper sleeps, or before the caller does while it waits for one; some 20 microseconds.
/// Native processors pause for each.
const SPINS: u32 = if cfg!(target_arch = "wasm32") { 20_000 } else { 500 };
/// What is left of a part counts as so many shares: large ones at first, so that a thread reads on and on through memory, and
/// single items at the end, so that threads are ready together (guided self-scheduling, Polychronopoulos and Kuck 1987).
/// Eight equal shares for two threads took 1.2 times as long.
const SHARES: u32 = 2;
/// Threads that can have parts of their own. Further ones take from those.
const PARTS: usize = 64;

/// Set in the gate while a job may be entered.
const OPEN: u32 = 1 << 15;
/// The bits of the gate that count helpers within the job; those above `OPEN` number the jobs.
const INSIDE: u32 = OPEN - 1;

type Task<'a> = dyn Fn(Range<usize>) + Sync + 'a;

struct Pool {
    /// Number of the job, `OPEN`, and the helpers inside. A helper enters by a compare and exchange of all three, so it
    /// can't enter a job that has been closed.
    gate: AtomicU32,
    /// Written only while the gate is closed and nobody is inside.
    job: UnsafeCell<Option<Job>>,
    /// What is left of each thread's part of the job.
    parts: [Part; PARTS],
    /// Helpers that have come so far.
    helpers: AtomicU32,
    /// Threads that may take part, the caller's included: so many of the helpers, the first ones, are not idle.
    threads: AtomicU32,
    /// Whose turn it is to give the helpers a job. Who finds it taken works alone.
    turn: Mutex<()>,
    /// Helpers asleep that may take part.
    sleepers: AtomicU32,
    /// Whether the caller sleeps until the last helper has left.
    waiting: AtomicBool,
    sleep: Mutex<()>,
    /// For `sleepers` and the caller.
    wake: Condvar,
    /// For helpers that may not take part; they are not woken for every job.
    idle: Condvar,
    /// A helper stopped, perhaps within a job whose results are then incomplete.
    failed: AtomicBool,
}

#[derive(Clone, Copy)]
struct Job {
    task: *const Task<'static>,
    threads: usize,
}

/// Items that nobody has taken yet: the first one in the lower half, the end in the upper one. On a cache line of its own,
/// because its thread changes it all the time.
#[repr(align(64))]
struct Part(AtomicU64);

impl Part {
    const fn empty() -> Self {
        Self(AtomicU64::new(0))
    }

    fn set(&self, items: Range<usize>) {
        debug_assert!(u32::try_from(items.end).is_ok());
        self.0.store(items.start as u64 | (items.end as u64) << 32, Ordering::Relaxed);
    }

    /// Takes a share, from the front for the thread whose part it is and from the back for others, so that its thread goes
    /// on where it was.
    fn take(&self, is_own: bool) -> Option<Range<usize>> {
        let mut left = self.0.load(Ordering::Relaxed);
        loop {
            let (start, end) = (left as u32, (left >> 32) as u32);
            if start >= end {
                return None;
            }
            let share = ((end - start) / SHARES).max(1);
            let (taken, rest) = if is_own {
                (start..start + share, start + share..end)
            } else {
                (end - share..end, start..end - share)
            };
            let new = u64::from(rest.start) | u64::from(rest.end) << 32;
            match self.0.compare_exchange_weak(left, new, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Some(taken.start as usize..taken.end as usize),
                Err(changed) => left = changed,
            }
        }
    }
}

// SAFETY: `job` is the only part that is not `Sync`. It is written by the one thread that holds `turn`, while the gate is
// closed and nobody is inside; helpers read it after they have entered, which the gate orders after the writing.
unsafe impl Sync for Pool {}

static POOL: Pool = Pool {
    gate: AtomicU32::new(0),
    job: UnsafeCell::new(None),
    parts: [const { Part::empty() }; PARTS],
    helpers: AtomicU32::new(0),
    threads: AtomicU32::new(1),
    turn: Mutex::new(()),
    sleepers: AtomicU32::new(0),
    waiting: AtomicBool::new(false),
    sleep: Mutex::new(()),
    wake: Condvar::new(),
    idle: Condvar::new(),
    failed: AtomicBool::new(false),
};

/// Threads that may take part, the caller's included.
pub fn threads() -> usize {
    POOL.threads.load(Ordering::Relaxed) as usize
}

/// Sets how many threads may take part; it is for the caller to have started as many helpers.
pub fn set_threads(threads: usize) {
    POOL.threads.store(u32::try_from(threads).unwrap_or(1).max(1), Ordering::SeqCst);
    POOL.notify(&POOL.idle);
}

/// Serves jobs for ever, on the thread that calls it.
pub fn help() -> ! {
    let index = POOL.helpers.fetch_add(1, Ordering::Relaxed) as usize + 1;
    let mut seen = POOL.gate.load(Ordering::SeqCst) & !INSIDE;
    let mut spins = 0;
    loop {
        let gate = POOL.gate.load(Ordering::SeqCst);
        let job = gate & !INSIDE;
        if index >= threads() {
            POOL.sleep_until(&POOL.idle, || index < threads());
            continue;
        }
        if job == seen || gate & OPEN == 0 {
            spins += 1;
            if spins > SPINS {
                POOL.sleepers.fetch_add(1, Ordering::SeqCst);
                POOL.sleep_until(&POOL.wake, || {
                    let job = POOL.gate.load(Ordering::SeqCst) & !INSIDE;
                    (job & OPEN != 0 && job != seen) || index >= threads()
                });
                POOL.sleepers.fetch_sub(1, Ordering::SeqCst);
                spins = 0;
            }
            std::hint::spin_loop();
            continue;
        }
        if POOL.gate.compare_exchange(gate, gate + 1, Ordering::SeqCst, Ordering::SeqCst).is_err() {
            continue;
        }
        (seen, spins) = (job, 0);
        // SAFETY: this thread is inside, so nobody writes the job, and whoever set it waits until this thread has left.
        let Job { task, threads } = unsafe { (*POOL.job.get()).unwrap_unchecked() };
        // SAFETY: as above: what the task borrows lives until `run` returns.
        work(unsafe { &*task }, index, threads);
        let left = POOL.gate.fetch_sub(1, Ordering::SeqCst);
        if left & INSIDE == 1 && POOL.waiting.load(Ordering::SeqCst) {
            POOL.notify(&POOL.wake);
        }
    }
}

/// Says that a helper stopped: the program then stops at its next job, instead of waiting for ever.
pub fn helper_failed() {
    POOL.failed.store(true, Ordering::SeqCst);
    POOL.notify(&POOL.wake);
}

/// Starts helpers, so that `threads` threads take part. WebAssembly can't start threads; there, workers call [`help`].
///
/// # Errors
/// If the system has no more threads; those that were started take part.
#[cfg(not(target_arch = "wasm32"))]
pub fn start(threads: usize) -> std::io::Result<()> {
    for index in 1..threads {
        std::thread::Builder::new().name(format!("helper {index}")).spawn(|| help())?;
        set_threads(index + 1);
    }
    Ok(())
}

/// Calls `task(item)` for each item below `items`, on any thread and in any order.
pub(crate) fn for_each(items: usize, task: impl Fn(usize) + Sync) {
    for_ranges(items, |range| range.for_each(&task));
}

/// Calls `task(range)` for as many ranges as there are threads, or items if those are fewer, about equally long and together
/// `0..items`: for few items whose neighbours had better be taken together. That is worth more than threads that are ready
/// together: in smaller and smaller ranges of heads, attention over 900 tokens makes a token take 1.07 times as long with two.
pub(crate) fn for_parts(items: usize, task: impl Fn(Range<usize>) + Sync) {
    let parts = threads().min(items);
    for_each(parts, |index| task(part_of(items, index, parts)));
}

/// Calls `task(range)` for ranges that together are `0..items`, on any thread and in any order.
pub(crate) fn for_ranges(items: usize, task: impl Fn(Range<usize>) + Sync) {
    let turn = if items > 1 && threads() > 1 { POOL.turn.try_lock().ok() } else { None };
    if turn.is_some() {
        POOL.run(items, &task);
    } else if items > 0 {
        task(0..items);
    }
}

/// Ends the program if a job ends by a panic: other threads may be inside, using what unwinding would free, and the panic
/// of a helper would leave the caller waiting.
struct NoUnwinding;

impl Drop for NoUnwinding {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}

/// The `index`-th of so many parts of the items, about equally long.
pub(crate) fn part_of(items: usize, index: usize, parts: usize) -> Range<usize> {
    items * index / parts..items * (index + 1) / parts
}

/// What thread `index` does for a job of so many.
fn work(task: &Task<'_>, index: usize, threads: usize) {
    let _guard = NoUnwinding;
    for further in 0..threads {
        let part = (index + further) % threads;
        while let Some(items) = POOL.parts[part].take(part == index) {
            task(items);
        }
    }
}

impl Pool {
    /// Only for who holds `turn`.
    fn run<'a>(&self, items: usize, task: &'a Task<'a>) {
        let _guard = NoUnwinding;
        // SAFETY: only the lifetime changes. No helper uses the task after this function has returned: it waits until
        // nobody is inside, and nobody enters a closed gate.
        let task: *const Task<'static> = unsafe { std::mem::transmute::<*const Task<'a>, *const Task<'static>>(task) };
        let threads = threads().min(PARTS);
        // SAFETY: the gate is closed and nobody is inside, or the last `run` would not have returned.
        unsafe { *self.job.get() = Some(Job { task, threads }) };
        for (index, part) in self.parts[..threads].iter().enumerate() {
            part.set(part_of(items, index, threads));
        }
        let number = (self.gate.load(Ordering::Relaxed) & !INSIDE & !OPEN).wrapping_add(2 * OPEN);
        self.gate.store(number | OPEN, Ordering::SeqCst);
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            self.notify(&self.wake);
        }
        // SAFETY: the reference is still alive.
        work(unsafe { &*task }, 0, threads);
        self.gate.fetch_and(!OPEN, Ordering::SeqCst);
        let done = || self.gate.load(Ordering::SeqCst) & INSIDE == 0 || self.failed.load(Ordering::SeqCst);
        for _ in 0..SPINS {
            if done() {
                break;
            }
            std::hint::spin_loop();
        }
        if !done() {
            self.waiting.store(true, Ordering::SeqCst);
            self.sleep_until(&self.wake, done);
            self.waiting.store(false, Ordering::SeqCst);
        }
        assert!(!self.failed.load(Ordering::SeqCst), "a helper thread stopped");
    }

    /// Who makes it so must call `notify` afterwards; that there is someone to notify must be known before this is called.
    fn sleep_until(&self, signal: &Condvar, wanted: impl Fn() -> bool) {
        let mut guard = self.sleep.lock().unwrap_or_else(PoisonError::into_inner);
        while !wanted() {
            guard = signal.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn notify(&self, signal: &Condvar) {
        // Taking the lock makes sure that nobody is between looking and sleeping.
        drop(self.sleep.lock().unwrap_or_else(PoisonError::into_inner));
        signal.notify_all();
    }
}

/// A slice of which different threads write different parts.
pub(crate) struct Parts<'a, T> {
    start: *mut T,
    length: usize,
    slice: PhantomData<&'a mut [T]>,
}

// SAFETY: it is a `&mut [T]` whose parts go to several threads.
unsafe impl<T: Send> Sync for Parts<'_, T> {}

impl<'a, T> Parts<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), length: slice.len(), slice: PhantomData }
    }

    /// # Safety
    /// No two ranges in use at the same time may overlap.
    #[expect(clippy::mut_from_ref, reason = "it hands out disjoint parts of a mutable slice")]
    pub(crate) unsafe fn part(&self, range: Range<usize>) -> &mut [T] {
        assert!(range.start <= range.end && range.end <= self.length);
        // SAFETY: within the slice, and the caller keeps parts disjoint.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    /// No helpers come, so the caller takes one share after the other.
    #[test]
    fn everything_is_done_once_in_smaller_and_smaller_shares() {
        for (threads, count) in [(4, 0), (4, 1), (4, 2), (4, 7), (3, 100), (2, 6283), (PARTS + 6, 6283)] {
            set_threads(threads);
            let done: Vec<_> = (0..count).map(|_| AtomicU32::new(0)).collect();
            for_each(count, |item| {
                done[item].fetch_add(1, Ordering::Relaxed);
            });
            let shares = Mutex::new(Vec::new());
            for_ranges(count, |range| {
                assert!(!range.is_empty());
                range.clone().for_each(|item| _ = done[item].fetch_add(1, Ordering::Relaxed));
                shares.lock().unwrap().push(range);
            });
            assert!(done.iter().all(|done| done.load(Ordering::Relaxed) == 2));
            let parts = Mutex::new(Vec::new());
            for_parts(count, |range| parts.lock().unwrap().push(range));
            let mut parts = parts.into_inner().unwrap();
            parts.sort_by_key(|part| part.start);
            let wanted = threads.min(count);
            assert_eq!(parts, (0..wanted).map(|index| part_of(count, index, wanted)).collect::<Vec<_>>());
            let shares = shares.into_inner().unwrap();
            for index in 0..threads.min(PARTS) {
                let part = part_of(count, index, threads.min(PARTS));
                let own: Vec<_> = shares.iter().filter(|share| part.contains(&share.start)).collect();
                assert!(own.is_sorted_by(|earlier, later| earlier.len() >= later.len()), "{own:?}");
                let forward = own.is_sorted_by_key(|share| share.start);
                let backward = own.is_sorted_by_key(|share| usize::MAX - share.start);
                assert!(if index == 0 { forward } else { backward }, "part {index} of {threads}: {own:?}");
            }
        }
        set_threads(1);
    }

    #[test]
    fn a_thread_goes_forward_through_its_part_and_others_take_from_behind() {
        let parts: Vec<_> = (0..3).map(|index| part_of(10, index, 3)).collect();
        assert_eq!(parts, [0..3, 3..6, 6..10]);
        let part = Part::empty();
        part.set(10..26);
        let taken = [true, false, true, false, false, true, true, true].map(|is_own| part.take(is_own));
        let expected = [10..18, 22..26, 18..20, 21..22, 20..21].map(Some);
        assert_eq!(taken[..5], expected);
        assert_eq!(taken[5..], [None, None, None]);
    }
}
