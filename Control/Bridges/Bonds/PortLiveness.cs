using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Control.Bridges;

/// <summary>Which ports of a bridge may be used as far as BFD and LACP have a say (OVS <c>may_enable</c> of an <c>ofport_dpif</c>, without the link). <see cref="Update"/> is for one thread; reading is for all.</summary>
/// <param name="pipeline">Of the bridge; knows what BFD says.</param>
/// <param name="forwarding">Of the bridge; knows what LACP says.</param>
public sealed class PortLiveness(OfPipeline pipeline, BridgeForwarding forwarding)
{
    private volatile uint[] _held = [];

    /// <summary>A port may be used, as of the last <see cref="Update"/>.</summary>
    public bool MayUse(uint port) => Array.IndexOf(_held, port) < 0;

    /// <summary>Asks again; true if something has changed.</summary>
    public bool Update()
    {
        uint[] held = [.. pipeline.BfdDown.Concat(forwarding.HeldByLacp).Distinct().Order()];
        if (held.AsSpan().SequenceEqual(_held)) return false;
        _held = held;
        return true;
    }
}
