using System.Runtime;

namespace Mergeflow.Perf;

/// <summary>Warming up: a method is compiled for good behind its 30th call, and when it has been watched for as many.</summary>
internal static class SettledRuntime
{
    private const int MostRounds = 12, SettledMethods = 8;

    /// <summary>Repeats a round until the runtime compiles next to nothing in it, at most 12 times.</summary>
    public static void Reach(Action round)
    {
        long before;
        int rounds = 0;
        do
        {
            before = JitInfo.GetCompiledMethodCount();
            round();
        }
        while (++rounds < MostRounds && JitInfo.GetCompiledMethodCount() - before > SettledMethods);
    }
}
