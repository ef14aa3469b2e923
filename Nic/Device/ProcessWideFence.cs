using Mergeflow.Native;

namespace Mergeflow.Nic;


/// <summary>membarrier(2): costs the rare writer about a microsecond and the readers nothing.</summary>
public readonly struct ProcessWideFence : IGateFence
{
    /// <inheritdoc/>
    public static void Synchronize() => Interleaving.FenceAll("W2");
}
