using System.Text;

namespace Mergeflow.PropertyTests;

/// <summary>
/// Makes trains: frames that mean something together. Datagrams in fragments, conversations that become established, dialogues of gateways, errors about
/// them, all of it also inside tunnels. Few hosts, so that trains meet each other.
/// </summary>
internal sealed class TrainGenerator(Chance chance)
{
    /// <summary>Names of the kinds of train.</summary>
    public static readonly string[] Kinds =
    [
        "UDP in fragments", "echo in fragments", "TCP conversation", "UDP conversation", "FTP dialogue", "TFTP dialogue", "errors about fragments", "fragments in a tunnel",
        "tunnel in fragments", "64 KiB in fragments",
    ];

    private const uint Near = 1, Far = 2;

    /// <summary>A train; <paramref name="kind"/> is the index of its name.</summary>
    public List<TrainFrame> Make(out int kind)
    {
        kind = chance.Weighted((6, 0), (2, 1), (5, 2), (4, 3), (2, 4), (1, 5), (3, 6), (2, 7), (1, 8));
        if (chance.OneIn(120)) kind = 9;
        FrameSpec spec = Between(chance.OneIn(2));
        return kind switch
        {
            0 => Fragments(Near, FrameWriter.Write(spec with { Payload = Data(), NoChecksum = !spec.IsIpv6 && chance.OneIn(2) })),
            1 => Echo(spec),
            2 => Tcp(spec),
            3 => Udp(spec),
            4 => Ftp(spec),
            5 => Tftp(spec),
            6 => Errors(spec),
            7 => Encapsulated(Fragments(Near, FrameWriter.Write(spec with { Payload = Data() }))),
            8 => [.. Encapsulated([new(Near, FrameWriter.Write(spec with { Payload = Data() }))]).SelectMany(c => Fragments(c.Port, c.Frame))],
            _ => Long(spec),
        };
    }

    private byte[] Data() => chance.Bytes(chance.OneIn(8) ? 1400 + chance.Below(3000) : 24 + chance.Below(500));

    private FrameSpec Between(bool isIpv6)
    {
        UInt128 net = isIpv6 ? (UInt128)0xfd00_0000_0000_0000 << 64 : 0x0a000000;
        return new FrameSpec
        {
            IsIpv6 = isIpv6,
            Src = net + (UInt128)(1 + chance.Below(3)),
            Dst = net + (UInt128)(4 + chance.Below(3)),
            Proto = 17,
            SrcPort = (ushort)(1000 + chance.Below(6)),
            DstPort = (ushort)(53 + chance.Below(3)),
        };
    }

    private List<TrainFrame> Fragments(uint port, byte[] frame)
    {
        int piece = 8 * (chance.OneIn(6) ? 20 + chance.Below(150) : 1 + chance.Below(16));
        piece = Math.Max(piece, (frame.Length / 60) & ~7);
        uint id = (uint)chance.Below(40);
        return [.. FragmentCutter.Cut(frame, Math.Max(8, piece), id).Select(f => new TrainFrame(port, f))];
    }

    /// <summary>A datagram around the longest there can be, often longer, in fragments of a usual size; often the last one comes first.</summary>
    private List<TrainFrame> Long(FrameSpec spec)
    {
        int size = chance.OneIn(2) ? 65_450 + chance.Below(80) : 65_530 + chance.Below(300);
        byte[] frame = FrameWriter.Write(spec with { Payload = new byte[size - 8], NoChecksum = !spec.IsIpv6 });
        List<TrainFrame> train = [.. FragmentCutter.Cut(frame, 1448, (uint)chance.Below(1000)).Select(f => new TrainFrame(Near, f))];
        return chance.OneIn(2) ? [train[^1], .. train[..^1]] : train;
    }

    private List<TrainFrame> Echo(FrameSpec spec)
    {
        FrameSpec ask = spec with { Proto = (byte)(spec.IsIpv6 ? 58 : 1), IcmpType = (byte)(spec.IsIpv6 ? 128 : 8), IcmpId = (ushort)(500 + chance.Below(2)), Payload = Data() };
        FrameSpec answer = ask with { Src = ask.Dst, Dst = ask.Src, IcmpType = (byte)(spec.IsIpv6 ? 129 : 0) };
        return [.. Fragments(Near, FrameWriter.Write(ask)), .. Fragments(Far, FrameWriter.Write(answer))];
    }

    /// <summary>Opens, talks both ways, often closes; some segments go in fragments.</summary>
    private List<TrainFrame> Tcp(FrameSpec spec)
    {
        FrameSpec near = spec with { Proto = 6, DstPort = (ushort)(80 + chance.Below(2)) };
        FrameSpec far = Reverse(near);
        (uint a, uint b) = (chance.U32(), chance.U32());
        List<TrainFrame> train =
        [
            new(Near, FrameWriter.Write(near with { TcpFlags = 2, Seq = a })),
            new(Far, FrameWriter.Write(far with { TcpFlags = 18, Seq = b, Ack = ++a })),
            new(Near, FrameWriter.Write(near with { TcpFlags = 16, Seq = a, Ack = ++b })),
        ];
        for (int n = 2 + chance.Below(8); n > 0; n--)
        {
            byte[] data = chance.Bytes(chance.Below(120));
            bool fromNear = chance.OneIn(2);
            byte[] frame = FrameWriter.Write((fromNear ? near : far) with { TcpFlags = 24, Seq = fromNear ? a : b, Ack = fromNear ? b : a, Payload = data });
            if (fromNear) a += (uint)data.Length;
            else b += (uint)data.Length;
            uint port = fromNear ? Near : Far;
            if (chance.OneIn(5)) train.AddRange(Fragments(port, frame));
            else train.Add(new(port, frame));
        }

        if (chance.OneIn(2)) return train;
        train.Add(new(Near, FrameWriter.Write(near with { TcpFlags = 17, Seq = a, Ack = b })));
        train.Add(new(Far, FrameWriter.Write(far with { TcpFlags = 17, Seq = b, Ack = a + 1 })));
        train.Add(new(Near, FrameWriter.Write(near with { TcpFlags = 16, Seq = a + 1, Ack = b + 1 })));
        return train;
    }

    private List<TrainFrame> Udp(FrameSpec spec)
    {
        List<TrainFrame> train = [];
        for (int n = 3 + chance.Below(8); n > 0; n--)
        {
            bool fromNear = train.Count == 0 || (train.Count > 1 && chance.OneIn(2));
            byte[] frame = FrameWriter.Write((fromNear ? spec : Reverse(spec)) with { Payload = chance.Bytes(chance.Below(100)) });
            if (chance.OneIn(4)) train.AddRange(Fragments(fromNear ? Near : Far, frame));
            else train.Add(new(fromNear ? Near : Far, frame));
        }

        return train;
    }

    /// <summary>Login, an announcement of either mode, the connection that was announced.</summary>
    private List<TrainFrame> Ftp(FrameSpec spec)
    {
        FrameSpec near = spec with { Proto = 6, SrcPort = (ushort)(4000 + chance.Below(3)), DstPort = (ushort)(chance.OneIn(3) ? 2121 : 21) };
        FrameSpec far = Reverse(near);
        ushort port = (ushort)(40_000 + chance.Below(4));
        string text = (chance.OneIn(2), spec.IsIpv6) switch
        {
            (true, false) => $"PORT 10,0,0,{(uint)spec.Src & 255},{port >> 8},{port & 255}\r\n",
            (false, false) => $"227 Entering Passive Mode (10,0,0,{(uint)spec.Dst & 255},{port >> 8},{port & 255}).\r\n",
            (true, true) => $"EPRT |2|fd00::{(uint)spec.Src & 255}|{port}|\r\n",
            (false, true) => $"229 Entering Extended Passive Mode (|||{port}|)\r\n",
        };
        bool active = text[0] is 'P' or 'E';
        byte[] say = Encoding.ASCII.GetBytes(text);
        FrameSpec data = (active ? Reverse(near) : near) with { SrcPort = (ushort)(active ? 20 : 4100), DstPort = port };
        byte[] announcement = FrameWriter.Write((active ? near : far) with { TcpFlags = 24, Seq = active ? 101u : 501u, Ack = active ? 501u : 101u, Payload = say });
        return
        [
            new(Near, FrameWriter.Write(near with { TcpFlags = 2, Seq = 100 })),
            new(Far, FrameWriter.Write(far with { TcpFlags = 18, Seq = 500, Ack = 101 })),
            new(Near, FrameWriter.Write(near with { TcpFlags = 16, Seq = 101, Ack = 501 })),
            .. chance.OneIn(4) ? Fragments(active ? Near : Far, announcement) : [new(active ? Near : Far, announcement)],
            new(active ? Far : Near, FrameWriter.Write(data with { TcpFlags = 2, Seq = 9 })),
            new(active ? Near : Far, FrameWriter.Write(Reverse(data) with { TcpFlags = 18, Seq = 5, Ack = 10 })),
            new(active ? Far : Near, FrameWriter.Write(data with { TcpFlags = 16, Seq = 10, Ack = 6 })),
            new(Near, FrameWriter.Write(near with { TcpFlags = 24, Seq = active ? 101u + (uint)say.Length : 101u, Ack = 501, Payload = "QUIT\r\n"u8.ToArray() })),
        ];
    }

    private List<TrainFrame> Tftp(FrameSpec spec)
    {
        FrameSpec ask = spec with { SrcPort = 5000, DstPort = (ushort)(chance.OneIn(3) ? 6969 : 69), Payload = [0, 1, 97, 0] };
        byte[] data = FrameWriter.Write(Reverse(ask) with { SrcPort = 33_000, Payload = chance.Bytes(516) });
        return [new(Near, FrameWriter.Write(ask)), .. chance.OneIn(2) ? Fragments(Far, data) : [new(Far, data)]];
    }

    /// <summary>A datagram or a segment, perhaps in fragments, answered by errors that quote each of its frames.</summary>
    private List<TrainFrame> Errors(FrameSpec spec)
    {
        FrameSpec first = chance.OneIn(3) ? spec with { Proto = 6, TcpFlags = 2, Seq = 7 } : spec with { Payload = Data() };
        byte[] frame = FrameWriter.Write(first);
        List<TrainFrame> train = chance.OneIn(3) ? [new(Near, frame)] : Fragments(Near, frame);
        List<TrainFrame> errors = [];
        foreach (TrainFrame cause in train.Take(4))
        {
            byte[] quoted = cause.Frame[14..Math.Min(cause.Frame.Length, 14 + (spec.IsIpv6 ? 60 : 28) + chance.Below(60))];
            var error = new FrameSpec
            {
                IsIpv6 = spec.IsIpv6,
                Src = chance.OneIn(2) ? spec.Dst : spec.Dst + 9,
                Dst = spec.Src,
                Proto = (byte)(spec.IsIpv6 ? 58 : 1),
                IcmpType = spec.IsIpv6 ? chance.Of<byte>([1, 2, 3]) : chance.Of<byte>([3, 11]),
                IcmpCode = (byte)chance.Below(5),
                Payload = quoted,
            };
            byte[] answer = FrameWriter.Write(error);
            if (chance.OneIn(4)) errors.AddRange(Fragments(Far, answer));
            else errors.Add(new(Far, answer));
        }

        return [.. train, .. errors];
    }

    /// <summary>The frames in VXLAN, to the switch's own end of the tunnel.</summary>
    private List<TrainFrame> Encapsulated(List<TrainFrame> train)
    {
        bool isIpv6 = chance.OneIn(3);
        UInt128 documentation = (UInt128)0x2001_0db8_0000_0000 << 64;
        var outer = new FrameSpec
        {
            EthSrc = 0x020000000202,
            EthDst = 0x020000000101,
            IsIpv6 = isIpv6,
            Src = isIpv6 ? documentation + 2 : 0xc0000202,
            Dst = isIpv6 ? documentation + 1 : 0xc0000201,
            SrcPort = 40_000,
            DstPort = 4789,
            NoChecksum = !isIpv6 && chance.OneIn(2),
        };
        return [.. train.Select(c => c with { Port = 1, Frame = FrameWriter.Write(outer with { Payload = [8, 0, 0, 0, 0, 0, 100, 0, .. c.Frame] }) })];
    }

    private static FrameSpec Reverse(FrameSpec s) => s with { Src = s.Dst, Dst = s.Src, SrcPort = s.DstPort, DstPort = s.SrcPort };
}
