using Mergeflow.Control.Bridges;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Which Ethernet address a bridge has when nobody says one.</summary>
public sealed class BridgeMacTests
{
    [Theory]
    [InlineData("a=00:00:00:00:00:09 b=00:00:00:00:00:02", "", "00:00:00:00:00:02")]
    [InlineData("a=00:00:00:00:00:09 b=00:00:00:00:00:02", "b", "00:00:00:00:00:09")]
    [InlineData("a=02:00:00:00:00:01 b=aa:55:aa:55:00:01", "", null)]
    [InlineData("a=02:00:00:00:00:01 b=f0:00:00:00:00:02", "", "f0:00:00:00:00:02")]
    [InlineData("a=01:00:00:00:00:01", "", null)]
    [InlineData("a=", "", null)]
    [InlineData("", "", null)]
    public void It_is_the_lowest_one_of_its_ports_that_a_maker_has_given(string ports, string mirror, string? expected)
    {
        Dictionary<string, string> macs = ports.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(static p => p.Split('=')).ToDictionary(static p => p[0], static p => p[1]);
        BridgeConfig config = Bridge([.. macs.Keys.Select(static name => Port(name, name))]) with { Mirrors = mirror.Length == 0 ? [] : [new MirrorConfig { Id = Guid.NewGuid(), Name = "m", OutputPort = mirror }] };
        Assert.Equal(expected, BridgeMac.Of(config, name => Number(macs[name])) is { } mac ? MacText.Of(mac) : null);
    }

    [Fact]
    public void A_bond_counts_by_its_first_member()
        => Assert.Equal(8ul, BridgeMac.Of(Bridge([Port("bond", "y", "x")]), static name => name == "x" ? 8ul : 4ul));

    /// <summary>Recorded from Open vSwitch 3.1.0.</summary>
    [Fact]
    public void Otherwise_it_comes_from_the_bridges_row()
        => Assert.Equal("12:98:13:d2:35:47", MacText.Of(BridgeMac.Default(Guid.Parse("d2139811-76e5-4735-99b2-81bf59a8010d"))));

    private static ulong Number(string mac) => mac.Length == 0 ? 0 : Convert.ToUInt64(mac.Replace(":", "", StringComparison.Ordinal), 16);

    private static BridgeConfig Bridge(PortConfig[] ports) => new() { Id = Guid.NewGuid(), Name = "br0", Ports = ports };

    private static PortConfig Port(string name, params string[] members)
        => new() { Id = Guid.NewGuid(), Name = name, Interfaces = [.. members.Select(static m => new InterfaceConfig { Id = Guid.NewGuid(), Name = m, Type = "system" })] };

    [Theory]
    [InlineData("02:00:00:00:00:01", true, true)]
    [InlineData("11:22:33:44:55:66", false, true)]
    [InlineData("00:00:00:00:00:00", false, true)]
    [InlineData("02:00:00:00:00", false, false)]
    [InlineData("02:00:00:00:00:0g", false, false)]
    public void An_address_may_be_one_of_a_station_or_any(string text, bool isOfStation, bool isAny)
        => Assert.Equal((isOfStation, isAny), (MacText.Parse(text) is not null, MacText.ParseAny(text) is not null));
}
