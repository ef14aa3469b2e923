namespace Mergeflow.Control.Bridges;

/// <summary>An LACP message as a frame (IEEE 802.1AX 6.4.2).</summary>
public static class LacpFrame
{
    private const int Header = 14;
    private const int PduBytes = 110;
    private const int ActorAt = Header + 2;
    private const int PartnerAt = ActorAt + 20;
    private const int CollectorAt = PartnerAt + 20;
    private const byte InfoBytes = 20;

    /// <summary>Destination of slow protocols.</summary>
    public const ulong Destination = 0x0180_c200_0002;

    /// <summary>A frame.</summary>
    public static byte[] Write(ulong source, LacpInfo actor, LacpInfo partner)
    {
        byte[] frame = new byte[Header + PduBytes];
        EthAddress.FromUInt64(Destination).CopyTo(frame);
        EthAddress.FromUInt64(source).CopyTo(frame.AsSpan(6));
        (frame[12], frame[13], frame[Header], frame[Header + 1]) = (0x88, 0x09, 1, 1);
        (frame[ActorAt], frame[ActorAt + 1], frame[PartnerAt], frame[PartnerAt + 1]) = (1, InfoBytes, 2, InfoBytes);
        actor.Write(frame.AsSpan(ActorAt + 2));
        partner.Write(frame.AsSpan(PartnerAt + 2));
        (frame[CollectorAt], frame[CollectorAt + 1]) = (3, 16);
        return frame;
    }

    /// <summary>Reads a frame; false if it is no LACP message. <paramref name="isMarker"/>: it is a marker, which needs no answer here.</summary>
    public static bool TryRead(ReadOnlySpan<byte> frame, out LacpInfo actor, out LacpInfo partner, out bool isMarker)
    {
        (actor, partner) = (default, default);
        isMarker = frame.Length > Header && frame[Header] == 2;
        if (frame.Length < Header + PduBytes || frame[Header] != 1) return false;
        if (frame[ActorAt] != 1 || frame[ActorAt + 1] != InfoBytes || frame[PartnerAt] != 2 || frame[PartnerAt + 1] != InfoBytes) return false;
        (actor, partner) = (LacpInfo.Read(frame[(ActorAt + 2)..]), LacpInfo.Read(frame[(PartnerAt + 2)..]));
        return true;
    }
}
