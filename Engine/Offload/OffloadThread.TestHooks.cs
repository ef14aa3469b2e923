using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Offload;

/// <remarks>What only tests look at.</remarks>
public sealed partial class OffloadThread
{
    /// <summary>Removes every rule (flow table cleared, provider changed).</summary>
    public void RevokeAll()
    {
        using Visit visit = new(_gate);
        KillAll();
    }

    /// <summary>
    /// Revoked rules that a packet may still use: 0 after each acknowledgement. Rules that go because room is needed are not revoked; a connection
    /// that has moved is seen by the device itself if it keeps connections.
    /// </summary>
    public int RevokedInUse()
    {
        using Visit visit = new(_gate);
        return _registry.Rules.Count(r => _gates is null
            ? r is { State: MergedFlowState.Dying, Reason: not OffloadReason.TableFull } || (IsLive(r) && !_registry.MegaflowsAreCurrent(r))
            : IsLive(r) && _gates.IsOpen(r.Gate) && !_registry.MegaflowsAreCurrent(r));
    }

    /// <summary>Rules have been revoked, and not all of them are Dying yet.</summary>
    public bool RevocationsUnderWay => _gates is { AreOpen: false };
}
