// n2s.h: the library libn2s, Noise2Stack for programs. It restores noisy image stacks by learning from the stack itself
// (Papkov et al. 2020): what the program n2s does with files, with arrays in the caller's memory, and with the same
// bits for the same options and seed.
//
// Every function that can fail returns an n2s_status; n2s_last_error() then has one line that says what was wrong and
// what to do. No exception leaves the library, no signal is caught, and nothing is printed.
//
// Threads: functions may be called from several threads at once, with options and models of their own. One object
// serves one thread at a time; a model that is only read (n2s_denoise, n2s_model_save) serves several. Callbacks come
// from the thread that has called the function.
//
// Handles: n2s_..._destroy() takes NULL. Texts that a function returns through `char**` belong to the caller, who gives
// them to n2s_free(); NULL for the pointer: not wanted.
#ifndef N2S_H
#define N2S_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define N2S_API __attribute__((visibility("default")))
#else
#define N2S_API
#endif

#define N2S_MAX_DIMENSIONS 5

typedef enum n2s_status {
  N2S_OK = 0,
  N2S_ERROR = 1,     /* the data, a file or the device is not as it has to be */
  N2S_USAGE = 2,     /* an argument or an option is not */
  N2S_CANCELLED = 3, /* by the caller */
  N2S_OUT_OF_MEMORY = 4
} n2s_status;

typedef enum n2s_type {
  N2S_UINT8 = 0,
  N2S_INT8,
  N2S_UINT16,
  N2S_INT16,
  N2S_UINT32,
  N2S_INT32,
  N2S_UINT64,
  N2S_INT64,
  N2S_FLOAT16,
  N2S_FLOAT32,
  N2S_FLOAT64
} n2s_type;

/* An image in the caller's memory, which has to outlive the call. Computations are in float32; integers are rounded to
 * the nearest and clamped when they are written. */
typedef struct n2s_array {
  void* data; /* the first sample */
  n2s_type type;
  int32_t dimensions;                  /* 2 to N2S_MAX_DIMENSIONS */
  int64_t shape[N2S_MAX_DIMENSIONS];   /* slowest first, such as planes, rows, columns */
  int64_t strides[N2S_MAX_DIMENSIONS]; /* bytes from one sample to the next along each axis; may be negative */
  const char* axes;                    /* their names, out of T, C, Z, Y, X; NULL: YX or ZYX */
  /* For an image that is not in memory: `data` is NULL, the axes end in YX, and these read or write `count` planes from
   * `first` on, counted in the order of the axes, as rows x columns without gaps. Anything but 0 is a failure. They are
   * called from other threads, several at once. An image of more than 64 MiB (as float32) is worked on a few planes at
   * a time. */
  int (*read)(int64_t first, int64_t count, void* samples, void* user);
  int (*write)(int64_t first, int64_t count, const void* samples, void* user);
  void* user;
} n2s_array;

/* An array of planes x rows x columns without gaps. */
N2S_API n2s_array n2s_stack(void* data, n2s_type type, int64_t planes, int64_t rows, int64_t columns);

/* "0.1.0" */
N2S_API const char* n2s_version(void);

/* Of the last call in this thread that failed; "" before. Valid until the next call. */
N2S_API const char* n2s_last_error(void);

N2S_API void n2s_free(char* text);

/* The devices that the option "device" may name, as JSON: {"cpu": {"name": ...}, "cuda:0": {"name": ..., "memory":
 * ...}} */
N2S_API n2s_status n2s_devices(char** json);

/* --- Options: those of the command line (n2s restore --help and so on), by their names: "planes", "steps", "minutes",
 * "net", "method", "device", "precision", "seed", "threads" ... */

typedef struct n2s_options n2s_options;

N2S_API n2s_status n2s_options_create(n2s_options** options);
N2S_API void n2s_options_destroy(n2s_options* options);

/* `value` is written as on the command line; NULL for one without a value, such as "flips". A second value for
 * the same name replaces the first. Names and values are checked by the function that uses them. */
N2S_API n2s_status n2s_options_set(n2s_options* options, const char* name, const char* value);

typedef struct n2s_progress {
  const char* stage; /* "training", "restoring" ... */
  const char* unit;  /* "steps", "planes" */
  int64_t done, total;
  const char* note; /* such as "loss 0.00123" */
} n2s_progress;

/* Called at most 20 times a second, and at the end of each stage. */
N2S_API void n2s_options_on_progress(n2s_options* options, void (*report)(const n2s_progress* progress, void* user),
                                     void* user);
/* One line about what is done, or a warning, which begins with "warning: ". Without this function warnings go to
 * standard error. */
N2S_API void n2s_options_on_note(n2s_options* options, void (*note)(const char* text, void* user), void* user);
/* Asked some 50 times a second during work; anything but 0 cancels it: N2S_CANCELLED. */
N2S_API void n2s_options_on_cancel(n2s_options* options, int (*cancelled)(void* user), void* user);

/* --- Models */

typedef struct n2s_model n2s_model;

/* From a run's folder or a model file (.safetensors). */
N2S_API n2s_status n2s_model_load(const char* path, n2s_model** model);
/* A model file; for an image with several channels, each of which has a network, a folder. Replaces `path` where
 * `overwrite` is not 0. */
N2S_API n2s_status n2s_model_save(const n2s_model* model, const char* path, int overwrite);
/* Network, method, input planes, normalisation ... as JSON. */
N2S_API n2s_status n2s_model_describe(const n2s_model* model, char** json);
N2S_API void n2s_model_destroy(n2s_model* model);

/* --- Work. `options` may be NULL: the defaults. `restored` has the shape of `noisy` and memory of its
 * own; its samples are undefined after an error. `record`: what n2s --json prints. */

/* Learns from the noisy stack alone and restores it. `model` gets what was learned; NULL: not wanted. Without "steps",
 * "minutes" or "epochs" it learns for 5 minutes. When cancelled while it learns, the model is what it had learned. */
N2S_API n2s_status n2s_restore(const n2s_array* noisy, const n2s_array* restored, const n2s_options* options,
                               n2s_model** model, char** record);

/* Trains on `count` stacks. `targets`: one for each, a second noisy copy or the clean stack; NULL: none. When
 * cancelled, the model is what it had learned. */
N2S_API n2s_status n2s_train(const n2s_array* stacks, size_t count, const n2s_array* targets,
                             const n2s_options* options, n2s_model** model, char** record);

N2S_API n2s_status n2s_denoise(const n2s_model* model, const n2s_array* noisy, const n2s_array* restored,
                               const n2s_options* options, char** record);

/* Without learning: block matching and 3-D filtering; non-local means. */
N2S_API n2s_status n2s_bm3d(const n2s_array* noisy, const n2s_array* restored, const n2s_options* options,
                            char** record);
N2S_API n2s_status n2s_nlm(const n2s_array* noisy, const n2s_array* restored, const n2s_options* options,
                           char** record);

typedef struct n2s_metrics {
  double psnr; /* dB, mean of the planes; infinite where all are equal */
  double ssim;
  double nrmse;
  int64_t planes;
} n2s_metrics;

/* Of a result against the truth. `record` has each plane. */
N2S_API n2s_status n2s_evaluate(const n2s_array* result, const n2s_array* truth, const n2s_options* options,
                                n2s_metrics* metrics, char** record);

/* What the stack is like, and the advice for its restoration. */
N2S_API n2s_status n2s_inspect(const n2s_array* noisy, const n2s_options* options, char** record);

#ifdef __cplusplus
}
#endif

#endif
