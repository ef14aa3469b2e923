namespace Mergeflow.Control.OpenFlow;

/// <summary><c>OFPT_FLOW_MOD</c> and <c>NXT_FLOW_MOD</c>.</summary>
public sealed record OfFlowModMessage : OfMessage
{
    /// <summary>No packet waits in a buffer.</summary>
    public const uint NoBuffer = uint.MaxValue;

    /// <summary>What is to be done. Its table is the upper byte of the command before OpenFlow 1.1: whether that counts says the connection.</summary>
    public FlowMod Mod = new();

    /// <summary>The packet that the flow is for.</summary>
    public uint BufferId = NoBuffer;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        if (wire.IsReading) FlowModReader.Read(ref wire.Reader, this);
        else FlowModWriter.Write(wire.Writer, this);
    }

    /// <summary>Two say the same: a modification has no equality of its own.</summary>
    public bool Equals(OfFlowModMessage? other) => other is not null && base.Equals(other) && BufferId == other.BufferId && Same(Mod, other.Mod);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(base.GetHashCode(), BufferId, Mod.Priority, Mod.Table);

    private static bool Same(FlowMod a, FlowMod b)
        => (a.Command, a.Table, a.Priority, a.Cookie, a.CookieMask, a.NewCookie) == (b.Command, b.Table, b.Priority, b.Cookie, b.CookieMask, b.NewCookie)
        && (a.IdleTimeoutSeconds, a.HardTimeoutSeconds, a.OutPort, a.OutGroup, a.Importance, a.Flags) == (b.IdleTimeoutSeconds, b.HardTimeoutSeconds, b.OutPort, b.OutGroup, b.Importance, b.Flags)
        && a.Actions.Equals(b.Actions)
        && Match.Same(in a.Match, in b.Match);
}
