using System.Net;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Stateful rules between hosts that send super-frames and unfinished checksums, with and without merged rules.</summary>
public sealed class LiveFirewallTests
{
    private const string GatewayMac = "02:00:00:00:00:fe";

    private const string Firewall =
        """
        table=0,priority=10,arp actions=normal
        table=0,priority=10,icmp6 actions=normal
        table=0,priority=5,ip actions=ct(table=1)
        table=0,priority=5,ipv6 actions=ct(table=1)
        table=1,priority=9,ct_state=+trk+new,in_port=1,ip actions=ct(commit),output:2
        table=1,priority=9,ct_state=+trk+new,in_port=1,ipv6 actions=ct(commit),output:2
        table=1,priority=8,ct_state=+trk+est,in_port=1 actions=output:2
        table=1,priority=8,ct_state=+trk+est,in_port=2 actions=output:1
        table=1,priority=0 actions=drop
        """;

    private static readonly string s_router =
        $"""
        table=0,priority=5,ip,in_port=1 actions=ct(table=1,zone=1,nat)
        table=0,priority=5,ip,in_port=2 actions=ct(table=1,zone=1,nat)
        table=1,priority=9,ct_state=+trk+new,in_port=1,ip,nw_dst=10.79.0.200 actions=ct(commit,zone=1,nat(dst=10.80.0.2),table=2)
        table=1,priority=8,ct_state=+trk+new,in_port=1,ip actions=ct(commit,zone=1,nat(src=10.80.0.100-10.80.0.103),table=2)
        table=1,priority=7,ct_state=+trk+est,ip actions=resubmit(,2)
        table=1,priority=7,ct_state=+trk+rel,ip actions=resubmit(,2)
        table=2,in_port=1,ip actions=mod_dl_src:{GatewayMac},mod_dl_dst:{LiveLab.MacOf("b")},dec_ttl,output:2
        table=2,in_port=2,ip actions=mod_dl_src:{GatewayMac},mod_dl_dst:{LiveLab.MacOf("a")},dec_ttl,output:1
        """;

    private static readonly string s_hairpin =
        $"""
        table=0,priority=20,ip,nw_dst=10.79.0.200 actions=ct(table=1,zone=1,nat)
        table=0,priority=20,ip,nw_dst=10.79.0.254 actions=ct(table=3,zone=2,nat)
        table=1,priority=9,ct_state=+trk+new,ip actions=ct(commit,zone=1,nat(dst=10.79.0.3),table=2)
        table=1,priority=8,ct_state=+trk+est,ip actions=resubmit(,2)
        table=2,ip actions=ct(commit,zone=2,nat(src=10.79.0.254),table=4)
        table=3,ip actions=ct(zone=1,nat,table=4)
        table=4,ip actions=mod_dl_src:{GatewayMac},mod_dl_dst:{LiveLab.MacOf("a")},in_port
        """;

    public static TheoryData<OffloadMode, int, bool> Modes => new() { { OffloadMode.None, 1, true }, { OffloadMode.Soft, 1, true }, { OffloadMode.Soft, 2, true }, { OffloadMode.Soft, 1, false } };

    [Theory]
    [MemberData(nameof(Modes))]
    public void A_stateful_firewall_lets_connections_out_and_their_answers_back(OffloadMode offload, int pmds, bool offloads)
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.79.0.1/24", "fd79::1/64"]), b = lab.AddHost("b", ["10.79.0.2/24", "fd79::2/64"]);
        if (!offloads) lab.SwitchOffloadsOff("a", "b");
        using LiveSwitch s = new LiveSwitch(Firewall, offload, pmds).With(a, b);
        LiveStream.Send(lab, "a", "b", "10.79.0.2");
        LiveStream.Send(lab, "a", "b", "fd79::2");
        LiveStream.Echo(lab, "a", "b", "10.79.0.2", 1000, 200);
        lab.Must("a", "ping", "-c", "3", "-i", "0.05", "-W", "5", "10.79.0.2");
        Assert.NotEqual(0, lab.On("b", "ping", "-c", "1", "-W", "1", "10.79.0.1").Code);
        Assert.Equal(offloads, s[1].RxSuperFrames > 100);
        s.Stop(merged: offload == OffloadMode.Soft);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void Addresses_are_translated_and_the_checksums_with_them(OffloadMode offload, int pmds, bool offloads)
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.79.0.1/24"]), b = lab.AddHost("b", ["10.80.0.2/24"]);
        if (!offloads) lab.SwitchOffloadsOff("a", "b");
        lab.SetGateway("a", "10.79.0.254", GatewayMac);
        lab.SetGateway("b", "10.80.0.254", GatewayMac);
        for (int i = 0; i < 4; i++) lab.Must("b", "ip", "neigh", "replace", $"10.80.0.{100 + i}", "lladdr", GatewayMac, "dev", "eth0", "nud", "permanent");
        lab.Must("a", "ip", "neigh", "replace", "10.79.0.200", "lladdr", GatewayMac, "dev", "eth0", "nud", "permanent");
        using LiveSwitch s = new LiveSwitch(s_router, offload, pmds).With(a, b);
        EndPoint source = LiveStream.Send(lab, "a", "b", "10.80.0.2");
        Assert.StartsWith("10.80.0.10", source.ToString(), StringComparison.Ordinal);
        EndPoint direct = LiveStream.Send(lab, "a", "b", "10.79.0.200", port: 5003, listenOn: "10.80.0.2");
        Assert.StartsWith("10.79.0.1:", direct.ToString(), StringComparison.Ordinal);
        LiveStream.Echo(lab, "a", "b", "10.80.0.2", 700, 200);
        lab.Must("a", "ping", "-c", "3", "-i", "0.05", "-W", "5", "10.80.0.2");
        Assert.Equal(offloads, s[1].RxSuperFrames > 100);
        s.Stop(merged: offload == OffloadMode.Soft);
    }

    [Theory]
    [InlineData(OffloadMode.None)]
    [InlineData(OffloadMode.Soft)]
    public void A_host_reaches_its_own_service_by_the_address_that_it_has_outside(OffloadMode offload)
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.79.0.1/24", "10.79.0.3/24"]);
        foreach (string address in new[] { "10.79.0.200", "10.79.0.254" }) lab.Must("a", "ip", "neigh", "replace", address, "lladdr", GatewayMac, "dev", "eth0", "nud", "permanent");
        using LiveSwitch s = new LiveSwitch(s_hairpin, offload).With(a);
        EndPoint source = LiveStream.Send(lab, "a", "a", "10.79.0.200", listenOn: "10.79.0.3");
        Assert.StartsWith("10.79.0.254:", source.ToString(), StringComparison.Ordinal);
        s.Stop(merged: offload == OffloadMode.Soft);
    }

    [Fact]
    public void An_address_in_a_message_is_translated_and_what_follows_arrives()
    {
        const string rules =
            $"""
            table=0,priority=5,ip actions=ct(table=1,zone=1,nat)
            table=1,priority=9,ct_state=+trk+new,in_port=1,tcp,tp_dst=21 actions=ct(commit,zone=1,alg=ftp,nat(src=10.80.0.100),table=2)
            table=1,priority=7,ct_state=+trk+est,ip actions=resubmit(,2)
            table=2,in_port=1,ip actions=mod_dl_src:{GatewayMac},mod_dl_dst:02:00:00:00:00:62,output:2
            table=2,in_port=2,ip actions=mod_dl_src:{GatewayMac},mod_dl_dst:02:00:00:00:00:61,output:1
            """;
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.79.0.1/24"]), b = lab.AddHost("b", ["10.80.0.2/24"]);
        lab.SetGateway("a", "10.79.0.254", GatewayMac);
        lab.SetGateway("b", "10.80.0.254", GatewayMac);
        lab.Must("b", "ip", "neigh", "replace", "10.80.0.100", "lladdr", GatewayMac, "dev", "eth0", "nud", "permanent");
        using LiveSwitch s = new LiveSwitch(rules).With(a, b);
        string padding = new('x', 200_000);
        string received = LiveStream.Say(lab, "a", "b", "10.80.0.2", 21, "PORT 10,79,0,1,19,137\r\n", $"NOOP {padding}\r\n", "PORT 10,79,0,1,19,138\r\n", $"NOOP {padding}\r\n");
        Assert.Equal($"PORT 10,80,0,100,19,137\r\nNOOP {padding}\r\nPORT 10,80,0,100,19,138\r\nNOOP {padding}\r\n", received);
        Assert.True(s[1].RxSuperFrames > 0);
        s.Stop();
    }
}
