using Xunit;

namespace Mergeflow.Tests;

/// <summary>Rules in the kernel with several outputs: each gets the frame as it is at its turn.</summary>
public sealed class LiveKernelOutputsTests
{
    private const int Frames = 50;

    public static TheoryData<string, string[]> Outputs => new()
    {
        { "in_port=1 actions=output:2,output:3", ["", ""] },
        { "in_port=1,udp actions=output:2,mod_dl_dst:02:00:00:00:00:77,mod_nw_dst:10.9.9.9,mod_tp_dst:99,output:3,dec_ttl,output:4", ["", "mac,ip,port", "mac,ip,port,ttl"] },
        { "in_port=1,vlan_tci=0 actions=mod_vlan_vid:7,output:2,strip_vlan,output:3", ["tag", ""] },
        { "in_port=1,udp actions=mod_nw_src:10.8.8.8,output:2,output:3,output:4", ["from", "from", "from"] },
    };

    /// <summary>The shadow looks at every frame, and each device at what comes.</summary>
    [Theory]
    [MemberData(nameof(Outputs))]
    public void Each_output_gets_the_frame_as_it_is_then(string flow, string[] changes)
    {
        using LiveLab lab = new();
        string[] hosts = ["a", .. "bcd".Take(changes.Length).Select(static c => c.ToString())];
        string[] ports = [.. hosts.Select(h => lab.AddHost(h, []))];
        using LiveSwitch s = new(flow, OffloadMode.Kernel, shadowOneIn: 1);
        List<ShadowDifference> differences = [];
        s.Datapath.Shadow!.Reported = differences.Add;
        foreach (string port in ports) s.Ports.Add(new TcPort((uint)s.Ports.All.Count + 1, port), LiveSwitch.Now);
        byte[] frame = NicFrame.UdpIpv4(7, 8, payload: 100);
        using LiveWire from = new(lab, "a");
        LiveWire[] to = [.. hosts.Skip(1).Select(h => new LiveWire(lab, h))];
        try
        {
            LiveLab.WaitFor(
                () =>
                {
                    from.Send(frame);
                    for (int i = 0; i < to.Length; i++) Assert.Equal(Convert.ToHexString(Expected(changes[i])), Convert.ToHexString(to[i].Receive(Expected(changes[i]).Length)));
                    return s[2].ByKernel.TxPackets >= Frames;
                },
                "frames by rules in the kernel");
            for (uint port = 3; port < 2 + changes.Length; port++) Assert.Equal(s[2].ByKernel.TxPackets, s[port].ByKernel.TxPackets);
            LiveLab.WaitFor(() => s.Datapath.Shadow.Alike >= Frames / 2, "frames that were looked at");
            Assert.Empty(differences.Select(static d => d.Difference));

            // One that is down: the whole frame is software's, which sends the others.
            ulong byKernel = s[2].ByKernel.TxPackets;
            s.Datapath.Ports.SetLink(3, isUp: false, LiveSwitch.Now);
            from.Send(frame);
            Assert.Equal(Convert.ToHexString(Expected(changes[0])), Convert.ToHexString(to[0].Receive(Expected(changes[0]).Length)));
            Assert.Equal(byKernel, s[2].ByKernel.TxPackets);
            s.Stop();
        }
        finally
        {
            foreach (LiveWire wire in to) wire.Dispose();
        }
    }

    private static byte[] Expected(string changes)
    {
        byte ttl = changes.Contains("ttl", StringComparison.Ordinal) ? (byte)63 : (byte)64;
        byte[] frame = NicFrame.UdpIpv4(
            7, changes.Contains("port", StringComparison.Ordinal) ? (ushort)99 : (ushort)8, changes.Contains("from", StringComparison.Ordinal) ? "10.8.8.8" : "10.0.0.1",
            changes.Contains("ip", StringComparison.Ordinal) ? "10.9.9.9" : "10.0.0.2", ttl, 100);
        if (changes.Contains("mac", StringComparison.Ordinal)) frame[5] = 0x77;
        return changes.Contains("tag", StringComparison.Ordinal) ? [.. frame[..12], 0x81, 0, 0, 7, .. frame[12..]] : frame;
    }
}
