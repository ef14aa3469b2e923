namespace Mergeflow.Control.OpenFlow;

/// <remarks>What only tests look at.</remarks>
public sealed partial class LiveOfSwitch
{
    private long _described;

    /// <summary>How often a port has been looked at for who asks by OpenFlow.</summary>
    internal long DescribedCount => Volatile.Read(ref _described);
}
