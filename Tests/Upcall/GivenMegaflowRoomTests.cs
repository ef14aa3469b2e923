using Mergeflow.Engine.Upcall;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Megaflows that are put in by hand into a table without room.</summary>
public sealed class GivenMegaflowRoomTests
{
    private const int Room = 64;

    [Fact]
    public void One_that_cannot_be_changed_for_want_of_room_stays_as_it_was()
    {
        using Engine.Runtime.Datapath d = new(new DatapathOptions { Ports = [("p1", 1)], PacketCapacity = 64, FrameCapacityBytes = 256, MegaflowCapacity = Room }, sink: null);
        uint port = 1;
        while (d.PutMegaflow(Given(port, creates: true), 0) == MegaflowPutResult.Done) port++;
        Assert.Equal(Room, (int)port - 1);
        Assert.Equal(MegaflowPutResult.Full, d.PutMegaflow(Given(1, creates: false), 0));
        Assert.Equal(Room, d.MegaflowCount);
        Assert.Equal(MegaflowPutResult.Exists, d.PutMegaflow(Given(1, creates: true), 0));
        Assert.Equal(Room, d.DeleteMegaflows(static _ => true, 0));
        Assert.Equal(0, d.MegaflowCount);
    }

    private static GivenMegaflow Given(uint port, bool creates)
    {
        DpFlow flow = DpFlowParser.ParseGiven($"in_port({port}),eth_type(0x1234)", PortNames.None);
        return new GivenMegaflow(flow.Value, flow.Mask, DpFlowParser.ParseGivenActions("drop", flow), null, creates, Modifies: !creates);
    }
}
