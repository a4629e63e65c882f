// demo_profile(): random walks over made-up call graphs, one per kind of program, with a few hot paths and a long tail.
#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "tests/support/example_profile.h"
#include "tests/support/profile_builder.h"

namespace gp::test {

namespace {

using profile::FrameKind;

// splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    state_ += 0x9e3779b97f4a7c15U;
    uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }
  uint64_t below(uint64_t bound) { return next() % bound; }
  // Small numbers often, `bound - 1` rarely.
  uint64_t skewed(uint64_t bound) { return std::min({below(bound), below(bound), below(bound), below(bound)}); }

 private:
  uint64_t state_;
};

struct Words {
  FrameKind kind;
  std::string_view module;
  std::string_view file;  // with lines when not empty
  std::vector<std::string_view> names;
};

// A program: frames from its root, pools of functions from which random calls are made, and kernel calls at the end.
struct Program {
  std::string_view comm;
  std::string_view runtime;
  uint32_t processes;
  uint32_t threads;
  uint32_t share;  // of the walks, relative
  std::vector<std::string_view> root;
  std::vector<Words> pools;  // by depth; the last one repeats
  uint32_t kernel_percent;
};

std::vector<Program> programs() {
  const auto native = FrameKind::kNative;
  return {
      {"postgres",
       "",
       6,
       1,
       26,
       {"_start", "__libc_start_main", "main", "PostmasterMain", "BackendStartup", "PostgresMain"},
       {{native, "postgres", "", {"exec_simple_query", "exec_bind_message", "exec_execute_message", "ReadCommand"}},
        {native, "postgres", "", {"PortalRun", "pg_plan_queries", "pg_analyze_and_rewrite", "finish_xact_command"}},
        {native, "postgres", "", {"standard_ExecutorRun", "standard_planner", "transformStmt", "CommitTransaction"}},
        {native,
         "postgres",
         "",
         {"ExecHashJoin", "ExecAgg", "ExecSort", "ExecSeqScan", "ExecIndexScan", "ExecNestLoop", "subquery_planner",
          "heap_getnextslot", "index_getnext_slot", "ExecInterpExpr", "tuplesort_performsort", "hash_search",
          "LWLockAcquire", "XLogInsert", "ReadBufferExtended", "slot_deform_heap_tuple", "texteq", "numeric_add"}}},
       22},
      {"python3",
       "python 3.11",
       4,
       3,
       24,
       {"_start", "Py_RunMain", "pymain_run_python"},
       {{FrameKind::kPython, "", "gunicorn/app/wsgiapp.py", {"gunicorn.app.run", "gunicorn.app.load"}},
        {FrameKind::kPython, "", "gunicorn/workers/sync.py", {"SyncWorker.run", "SyncWorker.handle_request"}},
        {FrameKind::kPython, "", "django/core/handlers/base.py", {"BaseHandler.get_response", "WSGIHandler.__call__"}},
        {FrameKind::kPython,
         "",
         "shop/views.py",
         {"shop.views.Cart.checkout", "shop.views.Search.rank", "shop.models.Product.price", "json.dumps", "json.loads",
          "re.Pattern.sub", "django.db.models.query.QuerySet._fetch_all", "django.template.base.Template.render",
          "shop.util.größe_計算", "logging.Logger.info", "urllib3.connectionpool.urlopen", "ssl.SSLSocket.read"}},
        {native, "python3.11", "", {"_PyEval_EvalFrameDefault", "PyObject_Call", "dict_subscript", "unicode_hash"}},
        {native, "libcrypto.so.3", "", {"aes_gcm_cipher", "sha256_block_data_order", "EVP_DigestUpdate"}}},
       12},
      {"node",
       "node 20",
       2,
       4,
       15,
       {"_start", "node::Start(int, char**)", "node::SpinEventLoop(node::Environment*)", "uv_run"},
       {{native, "node", "", {"v8::Function::Call", "uv__io_poll", "v8::internal::Heap::CollectGarbage"}},
        {FrameKind::kJit,
         "",
         "",
         {"LazyCompile:*processTicksAndRejections node:internal/process/task_queues:67",
          "LazyCompile:*render app.js:120", "LazyCompile:~diff vdom.js:44", "LazyCompile:*hydrate vdom.js:310",
          "RegExp:^/api/(.*)$", "LazyCompile:*parse acorn.mjs:2011", "Builtin:ArrayPrototypeMap",
          "LazyCompile:*emit node:events:465"}},
        {native, "node", "", {"v8::internal::Scavenger::Process", "simdjson::parse", "node::StreamBase::Write"}}},
       18},
      {"clang++",
       "",
       8,
       1,
       20,
       {"_start", "__libc_start_main", "main", "clang::CompilerInstance::ExecuteAction(clang::FrontendAction&)",
        "clang::ParseAST(clang::Sema&, bool, bool)"},
       {{native,
         "clang-19",
         "",
         {"clang::Parser::ParseTopLevelDecl", "clang::Sema::InstantiateFunctionDefinition",
          "clang::CodeGen::CodeGenModule::EmitDeferred", "llvm::PassManager<llvm::Module>::run"}},
        {native,
         "clang-19",
         "",
         {"clang::Parser::ParseCompoundStatementBody", "clang::TreeTransform<TemplateInstantiator>::TransformExpr",
          "clang::Sema::CheckTemplateArgumentList", "clang::Sema::LookupQualifiedName",
          "clang::Sema::AddOverloadCandidate", "clang::CodeGen::CodeGenFunction::EmitStmt",
          "llvm::InstCombinerImpl::run", "llvm::SelectionDAG::Combine", "llvm::GVNPass::runOnFunction",
          "llvm::DenseMapBase<llvm::DenseMap<clang::Decl const*, clang::Decl*>>::LookupBucketFor",
          "llvm::raw_ostream::write", "clang::Lexer::LexTokenInternal", "llvm::FoldingSetBase::FindNodeOrInsertPos",
          "malloc", "free"}}},
       9},
      {"gateway",
       "go",
       1,
       9,
       11,
       {"runtime.goexit", "net/http.(*conn).serve", "net/http.serverHandler.ServeHTTP"},
       {{native, "gateway", "gateway/route.go", {"main.(*Router).ServeHTTP", "main.authenticate", "main.limit"}},
        {native,
         "gateway",
         "encoding/json/decode.go",
         {"encoding/json.(*decodeState).object", "encoding/json.Unmarshal", "runtime.mallocgc", "runtime.gcDrain",
          "runtime.scanobject", "crypto/tls.(*Conn).Write", "bufio.(*Reader).ReadLine", "regexp.(*Regexp).doExecute"}}},
       25},
      {"kworker/u8:2", "", 3, 1, 4, {}, {}, 100},
  };
}

class Demo {
 public:
  explicit Demo(size_t frames) : frames_(frames) {}

  profile::Profile build() && {
    const auto all = programs();
    uint32_t shares = 0;
    for (const auto& program : all) {
      threads_.push_back(threads(program));
      shares += program.share;
    }
    for (size_t walks = 0; builder_.nodes() < frames_ && walks < frames_ * 20; ++walks) {
      uint64_t pick = random_.below(shares);
      size_t i = 0;
      while (pick >= all[i].share) pick -= all[i++].share;
      walk(all[i], threads_[i]);
    }
    auto& quality = builder_.quality();
    quality.guessed = 31;
    quality.truncated = 4;
    quality.ends[static_cast<size_t>(profile::WalkEnd::kNoUnwindInfo)] = 4;
    quality.deferred = 118;
    return std::move(builder_).build();
  }

 private:
  std::vector<uint32_t> threads(const Program& program) {
    std::vector<uint32_t> made;
    for (uint32_t i = 0; i < program.processes; ++i) {
      const auto pid = static_cast<int32_t>(1000 + next_pid_++ * 37);
      const bool contained = program.runtime == "go" || program.runtime == "node 20";
      const uint32_t process = builder_.process({.key = {pid, 1},
                                                 .comm = std::string(program.comm),
                                                 .executable = fmt::format("/usr/bin/{}", program.comm),
                                                 .container_id = contained ? std::string(64, 'c') : "",
                                                 .runtime = std::string(program.runtime)});
      for (uint32_t t = 0; t < program.threads; ++t) {
        made.push_back(builder_.thread(process, pid + static_cast<int32_t>(t),
                                       t == 0 ? std::string(program.comm) : fmt::format("worker-{}", t)));
      }
    }
    return made;
  }

  uint32_t frame(FrameKind kind, std::string_view name, std::string_view module, std::string_view file) {
    const uint64_t key = hash_mix(hash64(name), hash64(module));
    const auto [entry, added] = functions_.try_emplace(key, 0);
    if (added) {
      entry->second = builder_.function({.name = std::string(name),
                                         .file = std::string(file),
                                         .module = std::string(module),
                                         .line = file.empty() ? 0 : 10 + static_cast<uint32_t>(key % 500),
                                         .kind = kind});
    }
    return entry->second;
  }

  void walk(const Program& program, std::span<const uint32_t> threads) {
    std::vector<uint32_t> stack;
    for (const auto name : program.root) stack.push_back(frame(FrameKind::kNative, name, program.comm, ""));
    const uint64_t depth = program.pools.empty() ? 0 : 3 + random_.skewed(24);
    uint64_t path = hash64(program.comm);
    for (uint64_t level = 0; level < depth; ++level) {
      const auto& pool = program.pools[std::min<size_t>(level, program.pools.size() - 1)];
      // Each caller has callees it prefers: which, follows from the path.
      const uint64_t liked = random_.below(100) < 60 ? 0 : random_.skewed(pool.names.size());
      const uint64_t pick = (liked + path) % pool.names.size();
      stack.push_back(frame(pool.kind, pool.names[pick], pool.module, pool.file));
      path = hash_mix(path, pick);
    }
    if (random_.below(100) < program.kernel_percent) kernel(stack, program.pools.empty());
    const uint64_t count = 1 + random_.skewed(12) * random_.skewed(9);
    builder_.add(threads[random_.skewed(threads.size())], stack, count);
  }

  void kernel(std::vector<uint32_t>& stack, bool thread) {
    static const std::vector<std::vector<std::string_view>> kPaths = {
        {"ksys_read", "vfs_read", "ext4_file_read_iter", "filemap_read", "copy_page_to_iter"},
        {"__x64_sys_sendto", "__sys_sendto", "tcp_sendmsg", "tcp_write_xmit", "__tcp_transmit_skb", "ip_queue_xmit"},
        {"__x64_sys_futex", "do_futex", "futex_wait", "schedule"},
        {"exc_page_fault", "do_user_addr_fault", "handle_mm_fault", "__handle_mm_fault", "clear_page_erms"},
        {"__x64_sys_epoll_wait", "do_epoll_wait", "ep_poll"},
    };
    const auto kernel_frame = [&](std::string_view name) { return frame(FrameKind::kKernel, name, "vmlinux", ""); };
    if (thread) {
      for (const auto name : {"ret_from_fork", "kthread", "worker_thread", "process_one_work"}) {
        stack.push_back(kernel_frame(name));
      }
    } else {
      stack.push_back(kernel_frame("entry_SYSCALL_64_after_hwframe"));
      stack.push_back(kernel_frame("do_syscall_64"));
    }
    const auto& path = kPaths[random_.skewed(kPaths.size())];
    const size_t depth = 1 + random_.below(path.size());
    for (size_t i = 0; i < depth; ++i) stack.push_back(kernel_frame(path[i]));
  }

  size_t frames_;
  Random random_{42};
  ProfileBuilder builder_;
  uint32_t next_pid_ = 1;
  std::vector<std::vector<uint32_t>> threads_;  // by program
  std::map<uint64_t, uint32_t> functions_;
};

}  // namespace

profile::Profile demo_profile(size_t frames) { return Demo(frames).build(); }

}  // namespace gp::test
