#define gp_env_read_user gp_live_read_user
#define gp_env_mapping gp_live_mapping
#define gp_env_file gp_live_file
#define gp_env_page_word gp_live_page_word
#define gp_env_row_word gp_live_row_word
#define gp_env_runtime gp_live_runtime
#define gp_env_mappings_word gp_live_mappings_word
#define GP_SYMBOLS_SEEN GP_LIVE_SYMBOLS
#define gp_symbol_record_of(w) gp_live_record()
#define gp_symbol_seen_slot(index) gp_live_seen(index)
#define gp_symbol_output(w, record, size) gp_live_ship(record, size)

#include "walk/live_step.h"

#include "bpf/walk/step.h"

int gp_live_turn(struct gp_walk* walk) { return gp_step(walk); }
