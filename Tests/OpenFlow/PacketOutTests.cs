using Xunit;

namespace Mergeflow.Tests;

/// <summary>Packets that control gives: their actions fit them, or are refused.</summary>
public sealed class PacketOutTests : IOutputSink
{
    private const string Udp = "50540000000a50540000000908004500001c000000004011000" + "00a0000020a0000010050005100" + "0c0000";
    private const string Tagged = "50540000000a50540000000981000001080045000014000000004001" + "00000a0000020a000001";

    [Theory]
    [InlineData("pop_vlan,output:1", Udp, false)]
    [InlineData("pop_vlan,output:1", Tagged, true)]
    [InlineData("pop_vlan,pop_vlan,output:1", Tagged, false)]
    [InlineData("dec_ttl,output:1", Udp, true)]
    [InlineData("dec_mpls_ttl,output:1", Udp, false)]
    [InlineData("set_field:5->udp_dst,output:1", Udp, true)]
    [InlineData("set_field:5->tcp_dst,output:1", Udp, false)]
    [InlineData("output:1", Udp, true)]
    public void Actions_fit_the_packet_or_are_refused(string actions, string frame, bool fits)
    {
        using Simulator simulator = new(new SimulatorOptions { Ports = [("p1", 1)] }, this);
        EquatableList<OfAction> list = new FlowTextParser().ParseActions(actions);
        Exception? refused = Record.Exception(() => simulator.Datapath.Main.CheckPacketOut(Convert.FromHexString(frame), default, list, isOf10: false));
        Assert.Equal(fits, refused is null);
        if (!fits) Assert.Equal("OFPBAC_MATCH_INCONSISTENT", Assert.IsType<FlowModException>(refused).Error);
    }

    void IOutputSink.Output(long eventIndex, uint port, ReadOnlySpan<byte> frame)
    {
        // Nothing is sent.
    }
}
