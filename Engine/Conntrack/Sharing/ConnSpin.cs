using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <summary>Waiting for another thread that is about to be done: it gives the processor up, but never sleeps.</summary>
internal static class ConnSpin
{
    /// <summary>One turn.</summary>
    public static void Once(ref SpinWait spin, string step)
        => Interleaving.Spin(ref spin, step);
}
