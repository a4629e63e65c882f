// The table of offsets against the compiler's view of Perl's own headers, where they are installed, or in the folders
// (…/CORE) that GP_PERL_HEADERS names, separated by colons.
#include "runtimes/perl/offsets.h"

#include <glob.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace gp::runtimes::perl {
namespace {

// Not linked with libperl: what the headers' inline functions want is left out.
constexpr const char* kProbe = R"(
#define PERL_CORE
#include <stddef.h>
#include "EXTERN.h"
#include "perl.h"
#define SAY(name, value) dprintf(1, "%s %ld\n", name, (long)(value))
#ifdef MULTIPLICITY
#define VARIABLE(name, field) SAY(name, offsetof(struct interpreter, field))
#define cop_filegv cop_file
#else
#define VARIABLE(name, field)
#endif
#define CONTEXT(name, field) SAY(name, offsetof(PERL_CONTEXT, cx_u.cx_blk.field))
int main(void) {
  COP cop;
  memset(&cop, 0, sizeof(cop));
  cop.op_type = 0x1ff;
  SAY("version", PERL_VERSION);
#ifdef MULTIPLICITY
  SAY("has_fields", 1);
#endif
  VARIABLE("op", Iop);
  VARIABLE("savestack_ix", Isavestack_ix);
  VARIABLE("statement", Icurcop);
  VARIABLE("stackinfo", Icurstackinfo);
  VARIABLE("environment", Itop_env);
  VARIABLE("main", Imain_cv);
  VARIABLE("compiling", Icompiling);
  VARIABLE("runops", Irunops);
  SAY("op_next", offsetof(OP, op_next));
  SAY("op_ppaddr", offsetof(OP, op_ppaddr));
  SAY("op_sibling", offsetof(OP, op_sibparent));
  SAY("op_target", offsetof(OP, op_targ));
  SAY("op_first", offsetof(UNOP, op_first));
  SAY("op_bytes", sizeof(OP));
  SAY("op_null", OP_NULL);
  SAY("op_type", *(unsigned short *)((char *)&cop + 32));
  cop.op_type = 0;
  cop.op_moresib = 1;
  SAY("op_has_sibling", *(unsigned short *)((char *)&cop + 32));
  SAY("op_nextstate", OP_NEXTSTATE);
  SAY("op_dbstate", OP_DBSTATE);
  SAY("cop_line", offsetof(COP, cop_line));
  SAY("cop_file", offsetof(COP, cop_filegv));
  SAY("stack_contexts", offsetof(PERL_SI, si_cxstack));
  SAY("stack_previous", offsetof(PERL_SI, si_prev));
  SAY("stack_top", offsetof(PERL_SI, si_cxix));
  SAY("stack_top_sub", offsetof(PERL_SI, si_cxsubix));
  SAY("stack_type", offsetof(PERL_SI, si_type));
  SAY("is_main", PERLSI_MAIN);
  SAY("is_sort", PERLSI_SORT);
  SAY("is_multicall", PERLSI_MULTICALL);
  SAY("context_bytes", sizeof(PERL_CONTEXT));
  CONTEXT("context_type", blku_type);
  CONTEXT("context_savestack", blku_oldsaveix);
  CONTEXT("context_cop", blku_oldcop);
  CONTEXT("sub_return", blk_u.blku_sub.retop);
  CONTEXT("format_return", blk_u.blku_format.retop);
  CONTEXT("eval_return", blk_u.blku_eval.retop);
  CONTEXT("sub_next", blk_u.blku_sub.old_cxsubix);
  CONTEXT("format_next", blk_u.blku_format.old_cxsubix);
  CONTEXT("eval_next", blk_u.blku_eval.old_cxsubix);
  CONTEXT("sub_cv", blk_u.blku_sub.cv);
  CONTEXT("format_cv", blk_u.blku_format.cv);
  CONTEXT("eval_cv", blk_u.blku_eval.cv);
  SAY("type_mask", CXTYPEMASK);
  SAY("is_sort_block", CXt_NULL);
  SAY("is_sub", CXt_SUB);
  SAY("is_format", CXt_FORMAT);
  SAY("is_eval", CXt_EVAL);
  SAY("eval_string", CXp_REAL);
  SAY("eval_block", CXp_TRYBLOCK);
  SAY("in_regex", CXp_SUB_RE);
  SAY("sv_any", offsetof(CV, sv_any));
  SAY("sv_flags", offsetof(HV, sv_flags));
  SAY("gv_gp", offsetof(GV, sv_u.svu_gp));
  SAY("hv_array", offsetof(HV, sv_u.svu_hash));
  SAY("cv_stash", offsetof(XPVCV, xcv_stash));
  SAY("cv_start", offsetof(XPVCV, xcv_start_u));
  SAY("cv_gv", offsetof(XPVCV, xcv_gv_u));
  SAY("cv_flags", offsetof(XPVCV, xcv_flags));
  SAY("cv_is_named", CVf_NAMED);
  SAY("cv_is_lexical", CVf_LEXICAL);
  SAY("gp_egv", offsetof(GP, gp_egv));
  SAY("gv_name", offsetof(XPVGV, xiv_u.xivu_namehek));
  SAY("gv_stash", offsetof(XPVGV, xnv_u.xgv_stash));
  SAY("hv_max", offsetof(XPVHV, xhv_max));
#ifdef SVphv_HasAUX
  SAY("hv_has_aux", SVphv_HasAUX);
#else
  SAY("hv_has_aux", SVf_OOK);
#endif
  HV stash;
  struct { XPVHV body; struct xpvhv_aux aux; } at;
  memset(&at, 0, sizeof(at));
  stash.sv_any = &at.body;
  stash.sv_u.svu_hash = (HE **)&at - 1;
  SAY("aux", (char *)HvAUX(&stash) - (char *)&at);
  SAY("aux_name", offsetof(struct xpvhv_aux, xhv_name_u));
  SAY("aux_name_count", offsetof(struct xpvhv_aux, xhv_name_count));
  SAY("name_length", offsetof(HEK, hek_len));
  SAY("name_text", offsetof(HEK, hek_key));
  SAY("name_is_utf8", HVhek_UTF8);
  SAY("environment_previous", offsetof(JMPENV, je_prev));
  _exit(0);
}
)";

std::vector<std::string> header_folders() {
  std::vector<std::string> folders;
  std::vector<std::string> patterns = {"/usr/lib/x86_64-linux-gnu/perl/5.*[0-9]/CORE"};
  const char* cache = std::getenv("GP_TEST_CACHE");
  const char* home = std::getenv("HOME");
  // What tests/support/built.py has made.
  if (cache != nullptr || home != nullptr)
    patterns.push_back((cache != nullptr ? cache : std::string(home) + "/.cache/gprofiler-tests") +
                       "/perls/*/lib/5.*/*/CORE");
  for (const auto& pattern : patterns) {
    glob_t paths{};
    if (glob(pattern.c_str(), 0, nullptr, &paths) == 0)
      for (size_t i = 0; i < paths.gl_pathc; ++i) folders.emplace_back(paths.gl_pathv[i]);
    globfree(&paths);
  }
  const char* given = std::getenv("GP_PERL_HEADERS");
  std::istringstream more(given == nullptr ? "" : given);
  for (std::string folder; std::getline(more, folder, ':');) folders.push_back(folder);
  return folders;
}

std::map<std::string, long> probe(const std::string& headers) {
  const std::string base = testing::TempDir() + "gp_perl_probe_" + std::to_string(getpid());
  std::ofstream(base + ".c") << kProbe;
  const std::string command = "gcc -w -O1 -D_GNU_SOURCE -D_REENTRANT -DDEBIAN -fwrapv -fno-strict-aliasing -I" +
                              headers + " " + base + ".c -o " + base + " -Wl,--unresolved-symbols=ignore-all && " +
                              base;
  std::map<std::string, long> values;
  if (FILE* pipe = popen(command.c_str(), "r"); pipe != nullptr) {
    char buffer[8192];
    std::string text;
    for (size_t got = 0; (got = fread(buffer, 1, sizeof(buffer), pipe)) > 0;) text.append(buffer, got);
    pclose(pipe);
    std::istringstream in(text);
    std::string name;
    for (long value = 0; in >> name >> value;) values[name] = value;
  }
  unlink((base + ".c").c_str());
  unlink(base.c_str());
  return values;
}

TEST(PerlOffsets, AreThoseOfTheHeaders) {
  const auto folders = header_folders();
  if (folders.empty()) GTEST_SKIP() << "no headers of Perl installed";
  for (const auto& folder : folders) {
    auto says = probe(folder);
    ASSERT_FALSE(says.empty()) << folder;
    const auto perl = offsets_of(static_cast<uint8_t>(says["version"]));
    ASSERT_TRUE(perl) << folder;
    std::map<std::string, long> ours = {
        {"version", perl->version},
        {"op_next", GP_PERL_OP_NEXT},
        {"op_ppaddr", 16},
        {"op_sibling", GP_PERL_OP_SIBLING},
        {"op_target", GP_PERL_OP_TARGET},
        {"op_first", GP_PERL_OP_FIRST},
        {"op_bytes", GP_PERL_OP_BYTES},
        {"op_null", 0},
        {"op_has_sibling", GP_PERL_OP_HAS_SIBLING},
        {"op_type", GP_PERL_OP_TYPE_MASK},
        {"op_nextstate", perl->op_nextstate},
        {"op_dbstate", perl->op_nextstate + 1},
        {"cop_line", GP_PERL_COP_LINE},
        {"cop_file", GP_PERL_COP_FILE},
        {"stack_contexts", GP_PERL_STACK_CONTEXTS},
        {"stack_previous", GP_PERL_STACK_PREVIOUS},
        {"stack_top", GP_PERL_STACK_TOP},
        {"stack_top_sub", GP_PERL_STACK_TOP_SUB},
        {"stack_type", GP_PERL_STACK_TYPE},
        {"is_main", GP_PERL_STACK_IS_MAIN},
        {"is_sort", GP_PERL_STACK_IS_SORT},
        {"is_multicall", GP_PERL_STACK_IS_MULTICALL},
        {"context_bytes", GP_PERL_CONTEXT_BYTES},
        {"context_type", GP_PERL_CONTEXT_TYPE},
        {"context_savestack", GP_PERL_CONTEXT_SAVESTACK},
        {"context_cop", GP_PERL_CONTEXT_COP},
        {"sub_return", GP_PERL_CONTEXT_RETURN},
        {"format_return", GP_PERL_CONTEXT_RETURN},
        {"eval_return", GP_PERL_CONTEXT_RETURN},
        {"sub_next", GP_PERL_CONTEXT_NEXT_SUB},
        {"format_next", GP_PERL_CONTEXT_NEXT_SUB},
        {"eval_next", GP_PERL_CONTEXT_NEXT_SUB},
        {"sub_cv", GP_PERL_CONTEXT_CV},
        {"format_cv", GP_PERL_CONTEXT_CV},
        {"eval_cv", GP_PERL_CONTEXT_EVAL_CV},
        {"type_mask", GP_PERL_CONTEXT_TYPE_MASK},
        {"is_sort_block", GP_PERL_CONTEXT_IS_SORT_BLOCK},
        {"is_sub", GP_PERL_CONTEXT_IS_SUB},
        {"is_format", GP_PERL_CONTEXT_IS_FORMAT},
        {"is_eval", GP_PERL_CONTEXT_IS_EVAL},
        {"eval_string", GP_PERL_CONTEXT_EVAL_STRING},
        {"eval_block", GP_PERL_CONTEXT_EVAL_BLOCK},
        {"in_regex", GP_PERL_CONTEXT_IN_REGEX},
        {"sv_any", 0},
        {"sv_flags", GP_PERL_SV_FLAGS},
        {"gv_gp", GP_PERL_SV_U},
        {"hv_array", GP_PERL_SV_U},
        {"cv_stash", GP_PERL_CV_STASH},
        {"cv_start", GP_PERL_CV_START},
        {"cv_gv", GP_PERL_CV_GV},
        {"cv_flags", GP_PERL_CV_FLAGS},
        {"cv_is_named", GP_PERL_CV_IS_NAMED},
        {"cv_is_lexical", GP_PERL_CV_IS_LEXICAL},
        {"gp_egv", GP_PERL_GP_EGV},
        {"gv_name", GP_PERL_GV_NAME},
        {"gv_stash", GP_PERL_GV_STASH},
        {"hv_max", GP_PERL_HV_MAX},
        {"hv_has_aux", GP_PERL_HV_HAS_AUX},
        {"aux", perl->aux_in_body != 0 ? GP_PERL_AUX_IN_BODY : 0},
        {"aux_name", GP_PERL_AUX_NAME},
        {"aux_name_count", GP_PERL_AUX_NAME_COUNT},
        {"name_length", GP_PERL_NAME_LENGTH},
        {"name_text", GP_PERL_NAME_TEXT},
        {"name_is_utf8", GP_PERL_NAME_IS_UTF8},
        {"environment_previous", 0},
    };
    // Without threads these are no fields of anything.
    if (says["has_fields"] != 0)
      ours.insert({{"op", perl->op},
                   {"savestack_ix", perl->savestack_ix},
                   {"statement", perl->statement},
                   {"stackinfo", perl->stack},
                   {"environment", perl->environment},
                   {"main", perl->main},
                   {"compiling", perl->compiling},
                   {"runops", perl->runops}});
    for (const auto& [name, value] : ours) {
      ASSERT_TRUE(says.contains(name)) << name;
      EXPECT_EQ(value, says[name]) << folder << " " << name;
    }
  }
}

TEST(PerlOffsets, AreThereForWhatIsKnown) {
  for (unsigned version = 0; version < 256; ++version) {
    const auto perl = offsets_of(static_cast<uint8_t>(version));
    EXPECT_TRUE(!perl || perl->version == version) << version;
  }
  for (const uint8_t version : {kPerl32, kPerl34, kPerl36, kPerl38, kPerl40, kPerl42, kPerl44})
    EXPECT_TRUE(offsets_of(version));
  EXPECT_FALSE(offsets_of(kPerl44 + 2));  // not yet
  EXPECT_FALSE(offsets_of(kPerl36 + 1));  // odd ones are on the way to the next
  EXPECT_FALSE(offsets_of(30));
}

TEST(PerlOffsets, AreDistancesWithoutThreads) {
  std::array<Vaddr, kVariables> variables{};
  for (size_t i = 0; i < kVariables; ++i) variables[i] = Vaddr{0x5000 - 0x100 * i};
  const auto perl = offsets_of(kPerl36, variables);
  ASSERT_TRUE(perl);
  EXPECT_EQ(perl->op, 0);
  EXPECT_EQ(perl->savestack_ix, -0x100);
  EXPECT_EQ(perl->runops, -0x700);
  EXPECT_EQ(perl->op_nextstate, offsets_of(kPerl36)->op_nextstate);
  EXPECT_FALSE(offsets_of(30, variables));
  variables[kMain] = Vaddr{0x200000000};
  EXPECT_FALSE(offsets_of(kPerl36, variables));
  variables[kMain] = Vaddr{};  // there is none
  EXPECT_FALSE(offsets_of(kPerl36, variables));
}

}  // namespace
}  // namespace gp::runtimes::perl
