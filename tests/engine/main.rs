//! The engine through its public interface, natively and as WebAssembly in Node: one test binary, one module a subject.

mod checkpoint;
mod golden;
mod inspect;
mod made;
mod session;
mod suggest;
mod support;
mod tokenizer;
