namespace Mergeflow.Nic;


/// <summary>A stretch of the device clock.</summary>
/// <param name="AtMs">First instant.</param>
/// <param name="ForMs">Length.</param>
public readonly record struct FaultWindow(long AtMs, long ForMs)
{
    private const long NsPerMs = 1_000_000;

    /// <summary>First instant in ns.</summary>
    public long StartNs => AtMs * NsPerMs;

    /// <summary>First instant behind it, in ns.</summary>
    public long EndNs => (AtMs + ForMs) * NsPerMs;

    /// <summary>True if <paramref name="nowNs"/> lies in it.</summary>
    public bool Contains(long nowNs) => nowNs >= StartNs && nowNs < EndNs;
}
