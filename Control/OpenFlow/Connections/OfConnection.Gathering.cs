namespace Mergeflow.Control.OpenFlow;

/// <content>
/// Flow modifications that come one behind the other are applied together, as if each had been applied when it came: what they change, they change in their order, one that is refused has its own error, and errors
/// come before the answer to whatever follows.
/// </content>
public sealed partial class OfConnection
{
    /// <summary>As many are applied at once at most: others wait meanwhile.</summary>
    private const int MostGathered = 4096;

    private readonly List<FlowMod> _gathered = [];

    /// <summary>Where the message of each is in what was received.</summary>
    private readonly List<Range> _gatheredAt = [];

    /// <summary>Whoever watches flows is told of each modification by its number, so then none is gathered.</summary>
    private bool MayGather => !_group.All.Any(static c => c.HasMonitors);

    private void Gather(FlowMod mod, Range at, ReadOnlySpan<byte> received)
    {
        _gathered.Add(mod);
        _gatheredAt.Add(at);
        if (_gathered.Count >= MostGathered) ApplyGathered(received);
    }

    private void ApplyGathered(ReadOnlySpan<byte> received)
    {
        if (_gathered.Count == 0) return;
        try
        {
            foreach (FlowModException e in _switch.ApplyEach(_gathered)) Refuse(e.Error, received[_gatheredAt[e.Index]]);
        }
        finally
        {
            _gathered.Clear();
            _gatheredAt.Clear();
        }
    }
}
