using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Control.Tracing;

/// <summary>What Open vSwitch leaves to its slow path, packet by packet, and says so of flows (OVS <c>SLOW_PATH_REASONS</c>). Here the datapath does it itself.</summary>
public static class SlowPath
{
    /// <summary>Copies of a packet that the kernel queues (<c>net.core.netdev_max_backlog</c> as shipped).</summary>
    private const int MaxOutputs = 1000;

    /// <summary>Why packets of a flow are treated one by one; null = they are not.</summary>
    /// <param name="program">Its actions.</param>
    /// <param name="isByOrder">A rule wants it.</param>
    /// <param name="lacksTruncation">The datapath cannot cut packets.</param>
    public static string? ReasonOf(ReadOnlySpan<DpAction> program, bool isByOrder, bool lacksTruncation)
    {
        foreach (ref readonly DpAction action in program)
        {
            if (action.Op != DpOp.Userspace) continue;
            if (action.Userspace.Reason == UserspaceReason.Bfd) return "Consists of BFD packets";
            if (action.Userspace.Reason == UserspaceReason.Lacp) return "Consists of LACP packets";
            if (action.Userspace.Reason == UserspaceReason.Multicast) return "Uses action(s) not supported by datapath";
        }

        return IsAction(program, isByOrder, lacksTruncation) ? "Uses action(s) not supported by datapath" : null;
    }

    /// <summary>Actions that datapaths of Open vSwitch leave to it (<c>SLOW_ACTION</c>): their flows have <c>slow_path(action)</c> and no other action.</summary>
    /// <param name="program">Actions of a flow.</param>
    /// <param name="isByOrder">A rule wants it.</param>
    /// <param name="lacksTruncation">The datapath cannot cut packets.</param>
    public static bool IsAction(ReadOnlySpan<DpAction> program, bool isByOrder, bool lacksTruncation)
    {
        if (isByOrder) return true;
        int outputs = 0;
        foreach (ref readonly DpAction action in program)
        {
            if (action.Op == DpOp.Output && ++outputs > MaxOutputs) return true;
            if (lacksTruncation && action.Op == DpOp.Truncate) return true;
            if (action.Op is DpOp.SetArp or DpOp.SetNd || (action.Op == DpOp.SetL4 && action.L4.Proto is IpProto.Icmp or IpProto.Icmpv6)) return true;
        }

        return false;
    }
}
