namespace Mergeflow.Engine.Conntrack;

/// <summary>What becomes of a packet after <c>ct</c>.</summary>
public enum CtDisposition : byte
{
    /// <summary>Goes on with the action list.</summary>
    Continue,

    /// <summary>A fragment: conntrack owns the packet until its datagram is complete or times out.</summary>
    Held,

    /// <summary>A fragment that completed its datagram: the released packets go on, in order, instead of this one alone.</summary>
    Released,
}
