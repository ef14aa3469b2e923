using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <summary>A lock for what is seldom touched: expectations, the slots that threads pass on. Nobody waits for anything else while holding one.</summary>
internal static class ConnWord
{
    /// <summary>Waits for the word, and holds it.</summary>
    public static void Take<S>(ref int word)
        where S : struct, IConnSync
    {
        if (!S.IsShared) return;
        SpinWait spin = default;
        while (true)
        {
            Interleaving.Atomic("W1 lock");
            if (Interlocked.CompareExchange(ref word, 1, 0) == 0) return;
            ConnSpin.Once(ref spin, "W1 wait");
        }
    }

    /// <summary>Lets go.</summary>
    public static void Release<S>(ref int word)
        where S : struct, IConnSync
    {
        if (!S.IsShared) return;
        Interleaving.Step("W2 unlock");
        Volatile.Write(ref word, 0);
    }
}
