namespace Mergeflow.PropertyTests;

/// <summary>
/// What the sender of a TCP or UDP stream would have sent had it made the frames itself: each is written from the fields of its headers, with checksums over all of it. RFC 9293 (sequence numbers, FIN and PSH
/// with the last data), RFC 3168 (CWR once), RFC 791 (an identification per datagram).
/// </summary>
internal static class RefSegments
{
    public static List<byte[]> Of(FrameSpec whole, ushort firstId, int segmentBytes)
    {
        List<byte[]> frames = [];
        int count = Math.Max(1, (whole.Payload.Length + segmentBytes - 1) / segmentBytes);
        for (int i = 0; i < count; i++)
        {
            int at = i * segmentBytes, size = Math.Min(segmentBytes, whole.Payload.Length - at);
            int flags = whole.TcpFlags;
            if (i > 0) flags &= ~0x80;
            if (i < count - 1) flags &= ~0x09;
            byte[] frame = FrameWriter.Write(whole with { Payload = whole.Payload[at..(at + size)], Seq = whole.Seq + (uint)at, TcpFlags = flags });
            if (!whole.IsIpv6) SetId(frame.AsSpan(14 + (4 * whole.Tags.Count)), (ushort)(firstId + i));
            frames.Add(frame);
        }

        return frames;
    }

    /// <summary>Writes the identification of an IPv4 header, and its checksum anew.</summary>
    public static void SetId(Span<byte> ip, ushort id)
    {
        Wire.Put16(ip, 4, id);
        Wire.Put16(ip, 10, 0);
        Wire.Put16(ip, 10, OnesComplement.Finish(OnesComplement.Sum(ip[..20])));
    }
}
