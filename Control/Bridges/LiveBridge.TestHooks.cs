namespace Mergeflow.Control.Bridges;

/// <remarks>What only tests look at.</remarks>
public sealed partial class LiveBridge
{
    /// <summary>How often one of its ports has been looked at for who asks by OpenFlow.</summary>
    internal long DescribedCount => _seen.DescribedCount;
}
