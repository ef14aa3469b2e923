namespace Mergeflow.PropertyTests;

/// <summary>
/// Half of it flows that last, so that merged rules take them; the rest <see cref="SoakTraffic"/>, and now and then FTP and TFTP, whose data connections are expected.
/// </summary>
internal sealed class StressTraffic(Chance chance)
{
    private const int Lasting = 64;

    /// <summary>Rules for these, beside <see cref="SoakTraffic.Rules"/>; nobody changes them.</summary>
    public static readonly string[] Rules =
    [
        "table=0,priority=80,ip,in_port=1,nw_src=10.3.0.0/16,actions=ct(table=3,zone=4)",
        "table=0,priority=80,ip,in_port=2,nw_dst=10.3.0.0/16,actions=ct(table=3,zone=4)",
        "table=3,priority=20,tcp,in_port=1,ct_state=+trk+new-rel,tp_dst=21,actions=ct(commit,zone=4,alg=ftp),output:2",
        "table=3,priority=20,udp,in_port=1,ct_state=+trk+new-rel,tp_dst=69,actions=ct(commit,zone=4,alg=tftp),output:2",
        $"cookie=0x{ExpectedCookie:x},table=3,priority=30,ip,in_port=2,ct_state=+trk+new+rel,actions=ct(commit,zone=4),output:1",
        "table=3,priority=10,ip,in_port=1,ct_state=+trk+est,actions=output:2",
        "table=3,priority=10,ip,in_port=2,ct_state=+trk+est,actions=output:1",
    ];

    /// <summary>Of the rule that takes packets which a gateway has announced.</summary>
    public const ulong ExpectedCookie = 0xe;

    private const int Fin = 1, Syn = 2, Psh = 8, Ack = 16;
    private const uint ClientNet = 0x0a03_0000, Server = 0x0a04_0001;

    private readonly SoakTraffic _soak = new(chance);
    private readonly (uint Port, byte[] Frame)[] _lasting = [.. Enumerable.Range(0, Lasting).SelectMany(static i => LastingFlow(i))];
    private readonly Queue<(uint Port, byte[] Frame)> _script = new();

    /// <summary>The next frames and the ports by which they come.</summary>
    public IEnumerable<(uint Port, byte[] Frame)> Next()
    {
        if (_script.TryDequeue(out (uint, byte[]) next)) return [next];
        if (chance.OneIn(2)) return [chance.Of(_lasting)];
        if (!chance.OneIn(200)) return _soak.Next().Select(static f => (f.Port, f.Frame));
        if (chance.OneIn(2)) Ftp();
        else Tftp();
        return [_script.Dequeue()];
    }

    /// <summary>Forth and back; where the switch has forgotten the connection, the way back begins one and is dropped.</summary>
    private static (uint Port, byte[] Frame)[] LastingFlow(int i)
    {
        var there = new FrameSpec { Src = 0x0a00_ff00 + (uint)i, Dst = 0x0a01_0001, SrcPort = (ushort)(5000 + i), DstPort = 4000, Payload = new byte[20] };
        return
        [
            (1, FrameWriter.Write(there)),
            (2, FrameWriter.Write(there with { EthSrc = there.EthDst, EthDst = there.EthSrc, Src = there.Dst, Dst = there.Src, SrcPort = there.DstPort, DstPort = there.SrcPort })),
        ];
    }

    private void Ftp()
    {
        uint client = ClientNet + (uint)chance.Below(200);
        ushort port = (ushort)(1024 + chance.Below(60_000)), data = (ushort)(1024 + chance.Below(60_000));
        var there = new FrameSpec { Proto = 6, Src = client, Dst = Server, SrcPort = port, DstPort = 21 };
        var back = new FrameSpec { Proto = 6, Src = Server, Dst = client, SrcPort = 21, DstPort = port };
        byte[] command = System.Text.Encoding.ASCII.GetBytes($"PORT {client >> 24},{(client >> 16) & 255},{(client >> 8) & 255},{client & 255},{data >> 8},{data & 255}\r\n");
        Add(1, there with { TcpFlags = Syn, Seq = 100 });
        Add(2, back with { TcpFlags = Syn | Ack, Seq = 500, Ack = 101 });
        Add(1, there with { TcpFlags = Ack, Seq = 101, Ack = 501 });
        Add(1, there with { TcpFlags = Psh | Ack, Seq = 101, Ack = 501, Payload = command });
        Add(2, back with { TcpFlags = Ack, Seq = 501, Ack = 101 + (uint)command.Length });
        var dataBack = new FrameSpec { Proto = 6, Src = Server, Dst = client, SrcPort = 20, DstPort = data };
        var dataThere = new FrameSpec { Proto = 6, Src = client, Dst = Server, SrcPort = data, DstPort = 20 };
        Add(2, dataBack with { TcpFlags = Syn, Seq = 900 });
        Add(1, dataThere with { TcpFlags = Syn | Ack, Seq = 700, Ack = 901 });
        for (int i = 0; i < 6; i++) Add(2, dataBack with { TcpFlags = Ack, Seq = 901 + ((uint)i * 100), Ack = 701, Payload = new byte[100] });
        if (chance.OneIn(2)) Add(2, dataBack with { TcpFlags = Fin | Ack, Seq = 1501, Ack = 701 });
    }

    private void Tftp()
    {
        uint client = ClientNet + (uint)chance.Below(200);
        ushort port = (ushort)(1024 + chance.Below(60_000)), data = (ushort)(1024 + chance.Below(60_000));
        Add(1, new FrameSpec { Src = client, Dst = Server, SrcPort = port, DstPort = 69, Payload = [0, 1, (byte)'f', 0, (byte)'o', (byte)'c', (byte)'t', (byte)'e', (byte)'t', 0] });
        for (int i = 0; i < 3; i++)
        {
            Add(2, new FrameSpec { Src = Server, Dst = client, SrcPort = data, DstPort = port, Payload = [0, 3, 0, (byte)i, 1, 2, 3] });
            Add(1, new FrameSpec { Src = client, Dst = Server, SrcPort = port, DstPort = data, Payload = [0, 4, 0, (byte)i] });
        }
    }

    private void Add(uint port, FrameSpec frame) => _script.Enqueue((port, FrameWriter.Write(frame)));
}
