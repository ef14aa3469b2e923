namespace Mergeflow.PropertyTests;

/// <summary>The packets of one conversation, between host <c>10.0.x.y</c> and host <c>10.1.0.1</c>.</summary>
internal static class Talks
{
    /// <summary>Address of the host that answers.</summary>
    public const uint Server = 0x0a010001;

    private const int Fin = 1, Syn = 2, Rst = 4, Ack = 16;

    private static readonly FrameSpec[] s_tcp =
    [
        Client(Syn, 100, 0), Answer(Syn | Ack, 500, 101), Client(Ack, 101, 501), Client(Ack, 101, 501, 10), Answer(Ack, 501, 111, 10),
        Client(Fin | Ack, 111, 511), Answer(Fin | Ack, 511, 112), Client(Rst, 101, 0), Client(Syn, 90_000, 0), Answer(Ack, 501, 101),
    ];

    private static readonly FrameSpec[] s_udp = [new() { SrcPort = 1000, DstPort = 53 }, new() { SrcPort = 1000, DstPort = 53, Payload = [1, 2, 3] }];

    private static readonly FrameSpec[] s_ping = [new() { Proto = 1, IcmpType = 8, IcmpId = 7 }, new() { Proto = 1, IcmpType = 8, IcmpId = 7, Payload = [1] }];

    /// <summary>Address of a client.</summary>
    public static uint ClientAt(int flow) => 0x0a000000 | (uint)(flow + 1);

    /// <summary>Some packets of one conversation, in an order that makes sense more often than not.</summary>
    public static List<FrameSpec> Draw(Chance chance, int count)
    {
        int kind = chance.Below(8);
        List<FrameSpec> talk = [];
        for (int i = 0, at = 0; i < count; i++)
        {
            FrameSpec[] from = kind == 0 ? s_ping : kind == 1 ? s_udp : s_tcp;
            FrameSpec next = kind <= 1 ? chance.Of(from) : from[at];
            bool isAnswer = kind <= 1 ? i > 0 && chance.OneIn(2) : next.SrcPort == 80;
            talk.Add(kind <= 1 && isAnswer ? Turned(next) : next);
            at = chance.OneIn(3) ? chance.Below(from.Length) : (at + 1) % from.Length;
        }

        return talk;
    }

    /// <summary>The packet as of conversation <paramref name="flow"/>.</summary>
    public static byte[] Frame(FrameSpec packet, int flow)
    {
        bool isAnswer = IsAnswer(packet);
        return FrameWriter.Write(packet with { Src = isAnswer ? Server : ClientAt(flow), Dst = isAnswer ? ClientAt(flow) : Server });
    }

    /// <summary>Does the server send it?</summary>
    public static bool IsAnswer(FrameSpec packet) => packet.SrcPort is 80 or 53 || (packet.IcmpType == 0 && packet.Proto == 1);

    private static FrameSpec Client(int flags, uint seq, uint ack, int size = 0)
        => new() { Proto = 6, SrcPort = 1000, DstPort = 80, TcpFlags = flags, Seq = seq, Ack = ack, Payload = new byte[size] };

    private static FrameSpec Answer(int flags, uint seq, uint ack, int size = 0)
        => new() { Proto = 6, SrcPort = 80, DstPort = 1000, TcpFlags = flags, Seq = seq, Ack = ack, Payload = new byte[size] };

    private static FrameSpec Turned(FrameSpec packet)
        => packet with { SrcPort = packet.DstPort, DstPort = packet.SrcPort, IcmpType = 0 };
}
