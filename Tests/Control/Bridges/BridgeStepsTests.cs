using Mergeflow.Control.Bridges;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What has to be done so that the switch is as the database wants it.</summary>
public sealed class BridgeStepsTests
{
    [Fact]
    public void A_bridge_comes_with_its_own_port_first_and_then_those_that_ask_for_a_number()
        => Assert.Equal(["+br0", "+br0/br0", "+br0/z", "+br0/a", "=br0"], Steps([Bridge("br0", Port("a"), Port("br0", type: "internal"), Port("z", ofport: 5))], []));

    [Fact]
    public void What_is_as_it_is_wanted_stays()
        => Assert.Equal(["=br0"], Steps([Bridge("br0", Port("a"), Port("b", ofport: 2))], [Actual("br0", ("a", 1), ("b", 2))]));

    [Fact]
    public void What_is_not_wanted_goes_before_anything_comes()
        => Assert.Equal(["-br0", "-br1/a", "+br1/b", "=br1"], Steps([Bridge("br1", Port("b"))], [Actual("br0", ("x", 1)), Actual("br1", ("a", 1))]));

    [Fact]
    public void A_bridge_of_another_type_is_made_anew()
        => Assert.Equal(["-br0", "+br0", "+br0/a", "=br0"], Steps([Bridge("br0", Port("a")) with { DatapathType = "other" }], [Actual("br0", ("a", 1))]));

    [Fact]
    public void An_interface_of_another_type_or_with_other_options_is_opened_anew()
    {
        Assert.Equal(["-br0/a", "+br0/a", "=br0"], Steps([Bridge("br0", Port("a", type: "tap"))], [Actual("br0", ("a", 1))]));
        Assert.Equal(["-br0/a", "+br0/a", "=br0"], Steps([Bridge("br0", Port("a", options: new() { ["peer"] = "b" }))], [Actual("br0", ("a", 1))]));
    }

    [Fact]
    public void An_interface_whose_device_is_gone_is_opened_anew()
        => Assert.Equal(["-br0/a", "+br0/a", "=br0"], Steps([Bridge("br0", Port("a"))], [new ActualBridge("br0", "netdev", [new("a", "system", 1, new Dictionary<string, string>(), IsLost: true)])]));

    [Fact]
    public void Who_asks_for_another_number_moves_and_with_it_who_has_it_by_chance()
    {
        Assert.Equal(["-br0/a", "+br0/a", "=br0"], Steps([Bridge("br0", Port("a", ofport: 9), Port("b"))], [Actual("br0", ("a", 1), ("b", 2))]));
        Assert.Equal(["-br0/a", "-br0/b", "+br0/a", "+br0/b", "=br0"], Steps([Bridge("br0", Port("a", ofport: 2), Port("b"))], [Actual("br0", ("a", 1), ("b", 2))]));
    }

    [Fact]
    public void Who_has_a_number_that_it_asked_for_keeps_it()
        => Assert.Equal(["=br0"], Steps([Bridge("br0", Port("a", ofport: 2), Port("b", ofport: 2))], [Actual("br0", ("a", 1), ("b", 2))]));

    [Fact]
    public void The_own_port_of_a_bridge_keeps_its_number_whatever_it_asks_for()
        => Assert.Equal(["=br0"], Steps([Bridge("br0", Port("br0", ofport: 5))], [Actual("br0", ("br0", OfportAllocator.Local))]));

    private static string[] Steps(BridgeConfig[] wanted, ActualBridge[] actual)
        => [.. BridgeSteps.Between(new SwitchConfig { Root = Guid.Empty, NextCfg = 1, OtherConfig = new Dictionary<string, string>(), Bridges = wanted }, actual).Select(static step => step switch
        {
            RemoveBridge => $"-{step.Bridge}",
            AddBridge => $"+{step.Bridge}",
            RemoveInterface remove => $"-{step.Bridge}/{remove.Name}",
            AddInterface add => $"+{step.Bridge}/{add.Config.Name}",
            _ => $"={step.Bridge}",
        })];

    private static BridgeConfig Bridge(string name, params PortConfig[] ports) => new() { Id = Guid.NewGuid(), Name = name, DatapathType = "netdev", Ports = ports };

    private static PortConfig Port(string name, string type = "system", int? ofport = null, Dictionary<string, string>? options = null)
        => new() { Id = Guid.NewGuid(), Name = name, Interfaces = [new InterfaceConfig { Id = Guid.NewGuid(), Name = name, Type = type, OfportRequest = ofport, Options = options ?? [] }] };

    private static ActualBridge Actual(string name, params (string Name, int Ofport)[] interfaces)
        => new(name, "netdev", [.. interfaces.Select(static i => new ActualInterface(i.Name, "system", i.Ofport, new Dictionary<string, string>()))]);
}
