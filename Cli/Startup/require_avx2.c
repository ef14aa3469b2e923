/* Linked into the native program, which is compiled for processors with AVX2: on others it ends before the .NET runtime starts, with one line and the code of a missing feature. */
#include <unistd.h>

__attribute__((constructor)) static void require_avx2(void)
{
    static const char line[] = "mergeflow: this processor has no AVX2 (x86-64-v3), for which this program is compiled: the dotnet tool runs without it\n";
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma")) return;
    if (write(2, line, sizeof line - 1) < 0) _exit(1);
    _exit(3);
}
