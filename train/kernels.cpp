// What takes longest on a CPU beside the matrix products, each in one pass over bf16 numbers: libtorch's own go through f32
// copies. Compiled by kernels.py; rows are shared out over OpenMP's threads.

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

using bf16 = uint16_t;

static inline float widen(bf16 x) {
    const uint32_t bits = static_cast<uint32_t>(x) << 16;
    float y;
    memcpy(&y, &bits, 4);
    return y;
}

// Rounds to nearest, ties to even; not for NaN.
static inline bf16 narrow(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return static_cast<bf16>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

// Without the limit the exponential gets infinite, of which -ffast-math makes NaN.
static inline float sigmoid(float x) { return 1.0f / (1.0f + expf(x > -80.0f ? -x : 80.0f)); }

// GELU with tanh is x * sigmoid(2 u).
static const float TWICE_ROOT = 2.0f * 0.7978845608f, CUBIC = 0.044715f;

// Beyond this, GELU is x or 0, and the cube would grow without need.
static inline float near(float x) { return x < -100.0f ? -100.0f : x > 100.0f ? 100.0f : x; }

extern "C" {

void gelu_forward(const bf16 *x, bf16 *y, int64_t count) {
#pragma omp parallel for simd schedule(static)
    for (int64_t i = 0; i < count; i++) {
        const float v = near(widen(x[i]));
        y[i] = narrow(widen(x[i]) * sigmoid(TWICE_ROOT * (v + CUBIC * v * v * v)));
    }
}

void gelu_backward(const bf16 *x, const bf16 *d_y, bf16 *d_x, int64_t count) {
#pragma omp parallel for simd schedule(static)
    for (int64_t i = 0; i < count; i++) {
        const float v = near(widen(x[i]));
        const float s = sigmoid(TWICE_ROOT * (v + CUBIC * v * v * v));
        const float slope = TWICE_ROOT * (1.0f + 3.0f * CUBIC * v * v);
        d_x[i] = narrow(widen(d_y[i]) * (s + v * s * (1.0f - s) * slope));
    }
}

// Scores (count, length, length) to shares of attention, in place; what comes later than a row's own position becomes 0.
void causal_softmax(bf16 *scores, int64_t count, int64_t length, float scale) {
#pragma omp parallel
    {
        std::vector<float> row(length);
        float *const e = row.data();
#pragma omp for schedule(static)
        for (int64_t r = 0; r < count * length; r++) {
            bf16 *const s = scores + r * length;
            const int64_t seen = r % length + 1;
            float most = -3e38f, sum = 0.0f;
#pragma omp simd reduction(max : most)
            for (int64_t i = 0; i < seen; i++) {
                e[i] = widen(s[i]) * scale;
                most = e[i] > most ? e[i] : most;
            }
#pragma omp simd reduction(+ : sum)
            for (int64_t i = 0; i < seen; i++) {
                e[i] = expf(e[i] - most);
                sum += e[i];
            }
            const float part = 1.0f / sum;
#pragma omp simd
            for (int64_t i = 0; i < seen; i++) s[i] = narrow(e[i] * part);
            memset(s + seen, 0, (length - seen) * sizeof(bf16));
        }
    }
}

// `d` holds the gradient of the shares and becomes that of the unscaled scores.
void causal_softmax_backward(const bf16 *shares, bf16 *d, int64_t count, int64_t length, float scale) {
#pragma omp parallel for schedule(static)
    for (int64_t r = 0; r < count * length; r++) {
        const bf16 *const p = shares + r * length;
        bf16 *const g = d + r * length;
        const int64_t seen = r % length + 1;
        float dot = 0.0f;
#pragma omp simd reduction(+ : dot)
        for (int64_t i = 0; i < seen; i++) dot += widen(p[i]) * widen(g[i]);
#pragma omp simd
        for (int64_t i = 0; i < seen; i++) g[i] = narrow(widen(p[i]) * (widen(g[i]) - dot) * scale);
        memset(g + seen, 0, (length - seen) * sizeof(bf16));
    }
}

// Logits (count, rows) to `scale` times their gradient, in place, and the surprise at each target in nats.
//
// The last two rows stand for many tokens each, whose number's logarithm is in log_counts. With `shares`, that part of a
// position's target is the n-gram's distribution: `weight` times the row `before` of bigrams, plus the entries between
// firsts[i] and firsts[i + 1].
void cross_entropy(bf16 *logits, int64_t count, int64_t rows, const float *log_counts, const int64_t *targets, float scale,
                   float *losses, const float *shares, const float *weight, const int64_t *before, const bf16 *bigrams,
                   const int64_t *firsts, const int64_t *entry_rows, const float *entries) {
#pragma omp parallel
    {
        std::vector<float> row(rows);
        float *const e = row.data();
#pragma omp for schedule(static)
        for (int64_t r = 0; r < count; r++) {
            bf16 *const l = logits + r * rows;
            float most = -3e38f, sum = 0.0f;
#pragma omp simd
            for (int64_t i = 0; i < rows; i++) e[i] = widen(l[i]);
            e[rows - 2] += log_counts[0];
            e[rows - 1] += log_counts[1];
#pragma omp simd reduction(max : most)
            for (int64_t i = 0; i < rows; i++) most = e[i] > most ? e[i] : most;
            const int64_t target = targets[r];
            const float at_target = e[target] - most;
#pragma omp simd reduction(+ : sum)
            for (int64_t i = 0; i < rows; i++) {
                e[i] = expf(e[i] - most);
                sum += e[i];
            }
            const float shared = target < rows - 2 ? 0.0f : log_counts[target - (rows - 2)];
            losses[r] = logf(sum) - at_target + shared;
            const float part = scale / sum;
            const float soft = shares ? shares[r] : 0.0f;
            if (soft > 0.0f) {
                const bf16 *const b = bigrams + before[r] * rows;
                const float less = scale * soft * weight[r];
#pragma omp simd
                for (int64_t i = 0; i < rows; i++) e[i] = e[i] * part - less * widen(b[i]);
                for (int64_t j = firsts[r]; j < firsts[r + 1]; j++) e[entry_rows[j]] -= scale * soft * entries[j];
            } else {
#pragma omp simd
                for (int64_t i = 0; i < rows; i++) e[i] *= part;
            }
            e[target] -= scale * (1.0f - soft);
#pragma omp simd
            for (int64_t i = 0; i < rows; i++) l[i] = narrow(e[i]);
        }
    }
}
}
