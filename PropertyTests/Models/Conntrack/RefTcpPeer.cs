namespace Mergeflow.PropertyTests;

/// <summary>What is known of one end of a TCP connection (OVS <c>struct tcp_peer</c>).</summary>
internal sealed class RefTcpPeer
{
    /// <summary>Highest sequence number sent.</summary>
    public uint SeqLow { get; set; }

    /// <summary>Highest sequence number that the other end allows.</summary>
    public uint SeqHigh { get; set; }

    /// <summary>Largest window announced, unscaled, 16 bits.</summary>
    public ushort MaxWindow { get; set; }

    /// <summary>Window scale; null = the option was not seen.</summary>
    public int? Scale { get; set; }

    /// <summary>The connection was picked up in the middle: the scale cannot be known.</summary>
    public bool ScaleUnknown { get; set; }

    public RefTcpState State { get; set; }
}
