/* Restores a stack in memory with libn2s, from C: restore
 * cc restore.c -o restore $(pkg-config --cflags --libs n2s) */
#include <n2s.h>
#include <stdio.h>
#include <stdlib.h>

static void show(const n2s_progress* progress, void* user) {
  (void)user;
  fprintf(stderr, "\r%s: %ld of %ld %s  %s", progress->stage, (long)progress->done, (long)progress->total,
          progress->unit, progress->note);
}

int main(void) {
  enum { kPlanes = 12, kSide = 64, kVoxels = kPlanes * kSide * kSide };
  static float noisy[kVoxels], restored[kVoxels]; /* replace by your stack */
  for (int i = 0; i < kVoxels; ++i) noisy[i] = (float)(i % kSide / 8 % 2) + (float)rand() / (float)RAND_MAX;
  const n2s_array in = n2s_stack(noisy, N2S_FLOAT32, kPlanes, kSide, kSide);
  const n2s_array out = n2s_stack(restored, N2S_FLOAT32, kPlanes, kSide, kSide);
  n2s_options* options = NULL;
  n2s_model* model = NULL;
  n2s_status status = n2s_options_create(&options);
  if (status == N2S_OK) n2s_options_on_progress(options, show, NULL);
  if (status == N2S_OK) status = n2s_options_set(options, "steps", "20");
  if (status == N2S_OK) status = n2s_restore(&in, &out, options, &model, NULL);
  if (status == N2S_OK) status = n2s_model_save(model, "model.safetensors", 1);
  if (status != N2S_OK) fprintf(stderr, "restore: %s\n", n2s_last_error());
  else printf("\nfirst voxel: %g, restored %g\n", (double)noisy[0], (double)restored[0]);
  n2s_model_destroy(model);
  n2s_options_destroy(options);
  return status;
}
