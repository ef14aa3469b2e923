namespace Mergeflow.Engine.Runtime;

/// <remarks>What only tests look at.</remarks>
public sealed partial class LivePorts
{
    private long _refreshed;

    /// <summary>How often the device of a port has been looked at again.</summary>
    internal long RefreshedCount
    {
        get
        {
            lock (_lock) return _refreshed;
        }
    }
}
