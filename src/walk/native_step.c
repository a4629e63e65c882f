#include "walk/native_step.h"

#include "bpf/walk/step.h"

int gp_native_turn(struct gp_walk *walk) { return gp_step(walk); }

int gp_native_push(struct gp_walk *walk, const struct gp_frame *frame) {
  return gp_push(walk, frame->kind, frame->flags, frame->cookie, frame->extra, frame->value);
}

int gp_native_is_above_frame(struct gp_walk *walk, __u64 on_stack) { return gp_is_above_frame(walk, on_stack); }

enum gp_pass_eval gp_native_leave_compiled(struct gp_walk *walk) {
  const struct gp_ruby *ruby = (const struct gp_ruby *)gp_layout_of(walk, GP_RUNTIME_RUBY);
  return ruby ? gp_ruby_leave_compiled(walk, ruby) : GP_EVAL_SHOW;
}
