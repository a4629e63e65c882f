/* A program that is not called lua and runs one from liblua, which it loads. Usage: lua_embedding_host LIBRARY SECONDS */
#include <dlfcn.h>
#include <stdio.h>

static const char script[] =
	"local function embedded_inner(n) local x = 1 for i = 1, n do x = (x * 3 + i) % 1000003 end return x end\n"
	"function embedded_outer(seconds)\n"
	"  local finish = os.clock() + seconds\n"
	"  while os.clock() < finish do local x = embedded_inner(100000) end\n"
	"end\n"
	"embedded_outer(...)\n";

typedef struct lua_State lua_State;

/* NOLINTNEXTLINE(misc-use-internal-linkage) a name to be seen */
__attribute__((noinline)) int embedding_host(void *library, double seconds)
{
	lua_State *(*new_state)(void) = (lua_State * (*)(void)) dlsym(library, "luaL_newstate");
	void (*open_libs)(lua_State *) = (void (*)(lua_State *))dlsym(library, "luaL_openlibs");
	int (*load)(lua_State *, const char *, size_t, const char *, const char *) =
		(int (*)(lua_State *, const char *, size_t, const char *, const char *))dlsym(library, "luaL_loadbufferx");
	void (*push)(lua_State *, double) = (void (*)(lua_State *, double))dlsym(library, "lua_pushnumber");
	int (*call)(lua_State *, int, int, int, long, void *) =
		(int (*)(lua_State *, int, int, int, long, void *))dlsym(library, "lua_pcallk");

	if (!new_state || !open_libs || !load || !push || !call)
		return 2;
	lua_State *state = new_state();

	open_libs(state);
	if (load(state, script, sizeof(script) - 1, "=embedded", NULL))
		return 1;
	push(state, seconds);
	return call(state, 1, 0, 0, 0, NULL);
}

int main(int argc, char **argv)
{
	double seconds = 0;
	void *library = argc > 2 ? dlopen(argv[1], RTLD_NOW) : NULL;

	if (!library || sscanf(argv[2], "%lf", &seconds) != 1)
		return 2;
	return embedding_host(library, seconds) + 0;
}
