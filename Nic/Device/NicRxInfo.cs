namespace Mergeflow.Nic;

/// <summary>What the device reports about a received frame.</summary>
/// <param name="RssHash">Symmetric: both directions of a flow have the same value. 0 for frames without IP.</param>
/// <param name="Flags">Checksum verdicts.</param>
/// <param name="Rule">The rule that took the frame; None on a miss.</param>
public readonly record struct NicRxInfo(uint RssHash, NicRxFlags Flags, NicHandle Rule);

/// <summary>What the receiver found out about the checksums (DPDK <c>RTE_MBUF_F_RX_*_CKSUM_*</c>); neither good nor bad = not verified.</summary>
[Flags]
public enum NicRxFlags : byte
{
    None = 0,
    IpCsumGood = 1,
    IpCsumBad = 2,
    L4CsumGood = 4,
    L4CsumBad = 8,
}

/// <summary>What a receive queue has seen.</summary>
/// <param name="Hits">Frames that a rule took.</param>
/// <param name="HitBytes">Their bytes as received.</param>
/// <param name="Misses">Frames left to software.</param>
/// <param name="MissBytes">Their bytes.</param>
public readonly record struct NicRxStats(ulong Hits, ulong HitBytes, ulong Misses, ulong MissBytes);

/// <summary>Where frames leave. Implement it by a struct: the call is then direct and nothing is allocated.</summary>
public interface INicSink
{
    /// <summary>Takes a frame that a rule sent to <paramref name="port"/>. The bytes are valid only during the call.</summary>
    void Transmit(uint port, ReadOnlySpan<byte> frame);
}
