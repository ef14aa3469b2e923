using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Offload;

/// <summary>
/// Is told of every packet that no merged rule took, once: which flow, and why. For who replays and wants flows to the reasons; called where the reason arises, so it
/// must be quick, and on two threads where the offload has one of its own.
/// </summary>
public interface IPacketFates
{
    /// <summary>No rule took it and none came of it.</summary>
    /// <param name="key">Header as received.</param>
    /// <param name="lengthBytes">Length as received.</param>
    /// <param name="reason">Why; <see cref="OffloadReason.AlreadyOffloaded"/> = its rule is on the way.</param>
    /// <param name="pass">In which pass; -1 = a reason that still stood from an earlier packet.</param>
    /// <param name="detail">Field or action, or null.</param>
    void Refused(in FlowKey key, int lengthBytes, OffloadReason reason, int pass, string? detail);

    /// <summary>The rule of its flow came of it.</summary>
    /// <param name="key">Header as received.</param>
    /// <param name="lengthBytes">Length as received.</param>
    void MadeRule(in FlowKey key, int lengthBytes);

    /// <summary>The device did not take that rule after all.</summary>
    /// <param name="key">Header as received.</param>
    /// <param name="lengthBytes">Length as received.</param>
    void LostRule(in FlowKey key, int lengthBytes);
}
