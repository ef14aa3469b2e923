using Mergeflow.Control;
using Mergeflow.Control.Bridges;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>The options of tunnel interfaces in the database.</summary>
public sealed class TunnelOptionsTests
{
    [Theory]
    [InlineData("vxlan", "remote_ip=192.0.2.2", "Vxlan 4789 in=0 out=0 ttl=64 tos=0 df=True csum=False v6=False")]
    [InlineData("vxlan", "remote_ip=192.0.2.2 key=77 dst_port=8472", "Vxlan 8472 in=77 out=77 ttl=64 tos=0 df=True csum=False v6=False")]
    [InlineData("geneve", "remote_ip=192.0.2.2 key=flow csum=true", "Geneve 6081 in=flow out=flow ttl=64 tos=0 df=True csum=True v6=False")]
    [InlineData("geneve", "remote_ip=flow key=flow", "Geneve 6081 in=flow out=flow ttl=64 tos=0 df=True csum=False v6=")]
    [InlineData("gre", "remote_ip=2001:db8::2 in_key=5 out_key=0x10 ttl=9 tos=0x1c df_default=false", "Gre 0 in=5 out=16 ttl=9 tos=28 df=False csum=False v6=True")]
    [InlineData("gre", "remote_ip=192.0.2.2 in_key=flow ttl=inherit tos=inherit", "Gre 0 in=flow out=0 ttl=inherit tos=inherit df=True csum=False v6=False")]
    public void Options_are_read_as_Open_vSwitch_reads_them(string type, string options, string expected)
    {
        List<string> warnings = [];
        TunnelPort t = TunnelOptions.Parse(Config(type, options), 7, warnings.Add);
        Assert.Empty(warnings);
        Assert.True(t.IsRouted);
        Assert.Equal(expected, $"{t.Kind} {t.DestinationPort} in={Text(t.InKey)} out={Text(t.OutKey)} ttl={(t.InheritsTtl ? "inherit" : t.Ttl)} tos={(t.InheritsTos ? "inherit" : t.Tos)} df={t.DontFragment} csum={t.HasChecksum} v6={t.IsIpv6}");
    }

    [Theory]
    [InlineData("vxlan", "", "t0: vxlan type requires valid 'remote_ip' argument")]
    [InlineData("geneve", "remote_ip=nobody", "t0: bad geneve 'remote_ip'")]
    [InlineData("geneve", "remote_ip=1.2.3", "t0: bad geneve 'remote_ip'")]
    [InlineData("vxlan", "remote_ip=224.0.0.1", "t0: multicast remote_ip=224.0.0.1 not allowed")]
    [InlineData("vxlan", "remote_ip=192.0.2.2 local_ip=flow", "t0: vxlan type requires 'remote_ip=flow' with 'local_ip=flow'")]
    [InlineData("vxlan", "remote_ip=192.0.2.2 local_ip=2001:db8::1", "t0: vxlan type requires 'local_ip' and 'remote_ip' of one family")]
    [InlineData("gre", "remote_ip=192.0.2.2 packet_type=ptap", "t0: packet_type=ptap is not supported")]
    public void Wrong_options_are_refused_in_one_line(string type, string options, string expected)
        => Assert.Equal(expected, Assert.Throws<IOException>(() => TunnelOptions.Parse(Config(type, options), 7, static _ => { })).Message);

    [Theory]
    [InlineData("vxlan", "remote_ip=192.0.2.2 dst_port=4789 ttl=64 df_default=true csum=false", "remote_ip=192.0.2.2")]
    [InlineData("vxlan", "remote_ip=192.0.2.2 dst_port=5000 key=0x10", "dst_port=5000 key=16 remote_ip=192.0.2.2")]
    [InlineData("gre", "remote_ip=flow local_ip=flow in_key=5 out_key=flow tos=4", "in_key=5 local_ip=flow out_key=flow remote_ip=flow tos=0x4")]
    [InlineData("geneve", "remote_ip=2001:db8::2 key=flow ttl=inherit tos=inherit df_default=false csum=true", "csum=true df_default=false key=flow remote_ip=2001:db8::2 tos=inherit ttl=inherit")]
    public void A_tunnel_is_shown_by_what_is_not_so_anyway(string type, string options, string expected)
        => Assert.Equal(expected, string.Join(' ', TunnelOptions.Shown(TunnelOptions.Parse(Config(type, options), 7, static _ => { })).Select(static o => $"{o.Key}={o.Value}")));

    [Fact]
    public void An_option_that_nobody_knows_is_said()
    {
        List<string> warnings = [];
        TunnelOptions.Parse(Config("vxlan", "remote_ip=192.0.2.2 colour=red"), 7, warnings.Add);
        Assert.Equal(["t0: unknown vxlan argument 'colour'"], warnings);
    }

    private static string Text(ulong? key) => key?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "flow";

    private static InterfaceConfig Config(string type, string options) => new()
    {
        Id = Guid.NewGuid(),
        Name = "t0",
        Type = type,
        Options = options.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(static o => o.Split('=')).ToDictionary(static o => o[0], static o => o[1]),
    };
}
