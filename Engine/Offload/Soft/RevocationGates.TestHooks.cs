namespace Mergeflow.Engine.Offload;

/// <remarks>What only tests look at.</remarks>
public sealed unsafe partial class RevocationGates
{
    /// <summary>Whether packets may use the rules behind a gate.</summary>
    public bool IsOpen(int gate) => Volatile.Read(ref Closings[gate]) == 0;

    /// <summary>Whether all gates but <see cref="Shut"/> are open.</summary>
    public bool AreOpen => new ReadOnlySpan<int>(Closings + 1, Count - 1).IndexOfAnyExcept(0) < 0;

    /// <summary>Chains that have rules.</summary>
    public int ChainCount => _chains.Count;
}
