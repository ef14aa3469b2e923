namespace Mergeflow.PropertyTests;

/// <summary>Conversations without end, fragments among them, from ever new sources; and changes of all that can change.</summary>
internal sealed class SoakTraffic(Chance chance)
{
    /// <summary>Rules that are always there: tracking with registers frozen over the recirculation, two zones, source NAT, IPv6.</summary>
    public static readonly string[] Rules =
    [
        "table=0,priority=50,in_port=1,ip,actions=move:NXM_OF_IP_SRC[0..15]->NXM_NX_REG0[0..15],ct(table=1,zone=1)",
        "table=0,priority=55,in_port=2,ip,nw_dst=10.9.0.0/16,actions=ct(table=2,zone=2,nat)",
        "table=0,priority=50,in_port=2,ip,actions=move:NXM_OF_IP_DST[0..15]->NXM_NX_REG0[0..15],ct(table=1,zone=1)",
        "table=0,priority=50,in_port=3,ip,actions=load:3->NXM_NX_REG1[],ct(table=2,zone=2,nat)",
        "table=0,priority=50,ipv6,actions=ct(table=1,zone=3)",
        "table=0,priority=0,actions=drop",
        "table=1,priority=10,ct_state=+trk+new,in_port=1,ip,actions=ct(commit,zone=1,exec(move:NXM_NX_REG0[0..7]->NXM_NX_CT_LABEL[0..7])),output:2",
        "table=1,priority=10,ct_state=+trk+new,in_port=1,ipv6,actions=ct(commit,zone=3,exec(load:7->NXM_NX_CT_MARK[])),output:2",
        "table=1,priority=10,ct_state=+trk+est,in_port=1,actions=output:2",
        "table=1,priority=10,ct_state=+trk+est,in_port=2,ip,actions=dec_ttl,output:1",
        "table=1,priority=10,ct_state=+trk+est,in_port=2,ipv6,actions=output:1",
        "table=1,priority=10,ct_state=+trk+rel,in_port=1,actions=output:2",
        "table=1,priority=10,ct_state=+trk+rel,in_port=2,actions=output:1",
        "table=1,priority=0,actions=drop",
        "table=2,priority=10,ct_state=+trk+new,in_port=3,ip,actions=ct(commit,zone=2,nat(src=10.9.0.1-10.9.0.4)),output:2",
        "table=2,priority=10,ct_state=+trk+est,in_port=3,actions=output:2",
        "table=2,priority=10,ct_state=+trk+est,in_port=2,actions=output:3",
        "table=2,priority=10,ct_state=+trk+rel,actions=in_port",
        "table=2,priority=0,actions=drop",
    ];

    private readonly List<Talk> _talks = [];

    /// <summary>The next packets of one moment: port, frame, and whom to tell what became of it.</summary>
    public IEnumerable<(uint Port, byte[] Frame, Talk? Talk)> Next()
    {
        if (_talks.Count < 40 || chance.OneIn(20)) _talks.Add(NewTalk());
        if (_talks.Count > 300) _talks.RemoveAt(chance.Below(100));
        if (chance.OneIn(100)) return Fragments();
        Talk talk = chance.Of(_talks);
        (uint port, byte[] frame, bool fromClient) = talk.Next();
        return [(port, frame, fromClient ? talk : null)];
    }

    /// <summary>Everybody hangs up.</summary>
    public void Forget() => _talks.Clear();

    /// <summary>One line of a change of the tables.</summary>
    public string FlowMod()
    {
        int n = chance.Below(6);
        string timeout = chance.OneIn(2) ? $"idle_timeout={1 + chance.Below(20)}" : $"hard_timeout={1 + chance.Below(60)}";
        return chance.Below(10) switch
        {
            0 or 1 => $"table=1,priority=40,ct_state=+trk+est,in_port=1,ip,ct_label={n}/0x7,actions=output:{2 + chance.Below(2)}",
            2 => "delete table=1,ct_label=0/0",
            3 => $"delete table=1,ip,ct_label={n}/0x7",
            4 => $"table=0,priority=60,{timeout},udp,in_port=1,tp_dst={Port(n)},actions=output:4",
            5 => $"table=0,priority=61,{timeout},tcp,in_port=1,nw_src=10.0.{n}.0/24,actions=mod_nw_tos:32,ct(table=1,zone=1)",
            6 => $"table=1,priority=20,ct_state=+trk+est,in_port=1,tcp,tp_dst={Port(n)},actions=mod_dl_dst:0a:00:00:00:00:0{n},output:{2 + chance.Below(2)}",
            7 => $"delete table=1,tcp,tp_dst={Port(n)}",
            8 => $"table=0,priority=70,udp,in_port=1,nw_dst=10.1.{n}.0/24,actions=group:{1 + n}",
            _ => $"delete table=0,udp,nw_dst=10.1.{n}.0/24",
        };
    }

    /// <summary>One group modification; a group in use takes its rules with it when it goes.</summary>
    public string GroupMod()
    {
        int n = 1 + chance.Below(6);
        return chance.Below(4) switch
        {
            0 => $"delete group_id={n}",
            1 => $"add group_id={n},type=all,bucket=output:2,bucket=mod_nw_tos:64,output:4",
            2 => $"add group_id={n},type=select,selection_method=hash,fields(ip_src),bucket=output:2,bucket=output:3",
            _ => $"modify group_id={n},type=indirect,bucket=output:{2 + chance.Below(3)}",
        };
    }

    private static int Port(int n) => n switch { 0 => 53, 1 => 80, 2 => 443, _ => 8000 + n };

    private Talk NewTalk()
    {
        bool isIpv6 = chance.OneIn(6);
        uint port = isIpv6 ? 1u : chance.Of([1u, 1u, 3u]);
        UInt128 host = (UInt128)(uint)chance.Below(3000), server = (UInt128)(uint)(256 * chance.Below(6) + chance.Below(4));
        var client = new FrameSpec
        {
            IsIpv6 = isIpv6,
            Src = isIpv6 ? Net6(1) + host : 0x0a00_0000 + host,
            Dst = isIpv6 ? Net6(2) + server : 0x0a01_0000 + server,
            Proto = (byte)chance.Weighted((5, 6), (5, 17), (1, isIpv6 ? 58 : 1)),
            SrcPort = (ushort)(1024 + chance.Below(60_000)),
            DstPort = (ushort)Port(chance.Below(6)),
            IcmpType = isIpv6 ? (byte)128 : (byte)8,
            IcmpId = (ushort)chance.Below(65_536),
        };
        return new Talk(chance, client, port, 2);
    }

    private static UInt128 Net6(int n) => ((UInt128)0x2001_0db8_0000_0000 << 64) + ((UInt128)(uint)n << 32);

    /// <summary>A datagram in two or three parts, whole, out of order or with one missing.</summary>
    private List<(uint Port, byte[] Frame, Talk? Talk)> Fragments()
    {
        const int PartBytes = 1280;
        const int MoreFollow = 0x2000;
        var whole = new FrameSpec { Src = 0x0a00_0000u + (uint)chance.Below(3000), Dst = 0x0a01_0000, Proto = 17, SrcPort = 5000, DstPort = 53, Payload = chance.Bytes((PartBytes * (1 + chance.Below(2))) + 300) };
        byte[] l4 = FrameWriter.Network(whole)[20..];
        ushort id = (ushort)chance.Below(65_536);
        List<(uint, byte[], Talk?)> parts = [];
        for (int at = 0; at < l4.Length; at += PartBytes)
        {
            int length = Math.Min(PartBytes, l4.Length - at);
            int flags = at + length < l4.Length ? MoreFollow : 0;
            byte[] frame = FrameWriter.Write(whole with { Proto = 253, Fragment = (ushort)((at / 8) | flags), Payload = l4[at..(at + length)] });
            parts.Add((1, AsUdp(frame, id), null));
        }

        if (chance.OneIn(3)) parts.RemoveAt(chance.Below(parts.Count));
        if (chance.OneIn(3)) parts.Reverse();
        return parts;
    }

    private static byte[] AsUdp(byte[] frame, ushort id)
    {
        Wire.Put16(frame, 18, id);
        frame[23] = 17;
        frame[24] = frame[25] = 0;
        Wire.Put16(frame, 24, OnesComplement.Finish(OnesComplement.Sum(frame.AsSpan(14, 20).ToArray())));
        return frame;
    }
}
