using System.Runtime.InteropServices;

namespace Mergeflow.Engine.Conntrack;

/// <summary>What is known about one end of a TCP connection (OVS <c>struct tcp_peer</c>), 12 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Size = 12)]
internal struct TcpPeer
{
    /// <summary>Set in <see cref="WScale"/>: the peer sent the window scale option.</summary>
    public const byte WScaleFlag = 0x80;

    /// <summary>Set in <see cref="WScale"/>: picked up in mid-stream, the factor is unknown.</summary>
    public const byte WScaleUnknown = 0x40;

    public const byte WScaleMask = 0x0f;

    /// <summary>Largest factor there is (RFC 7323).</summary>
    public const int WScaleMax = 14;

    /// <summary>Highest sequence number sent.</summary>
    public uint SeqLo;

    /// <summary>Highest sequence number the other end allows: its ack plus its window.</summary>
    public uint SeqHi;

    /// <summary>Largest window announced, before scaling.</summary>
    public ushort MaxWin;

    public byte WScale;
    public TcpState State;
}
