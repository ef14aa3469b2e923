namespace Mergeflow.Engine.Conntrack;

/// <summary>State of a connection without TCP's machine (OVS <c>enum other_state</c>; ICMP uses First and Bidir).</summary>
internal enum ConnL4State : byte
{
    /// <summary>One packet seen.</summary>
    First,

    /// <summary>Several packets in one direction.</summary>
    Multiple,

    /// <summary>Packets in both directions.</summary>
    Bidir,
}
