using Mergeflow.Control.OpenFlow;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Messages that come together have the effects and the answers of messages that come one by one.</summary>
public sealed class OfGatheringTests
{
    private const int Rounds = 300;

    public static TheoryData<OfVersion> Versions => [OfVersion.V10, OfVersion.V13, OfVersion.V15];

    [Theory]
    [MemberData(nameof(Versions))]
    public void In_any_pieces_the_answers_and_the_tables_are_the_same(OfVersion version)
    {
        Random random = new((int)Mergeflow.Native.ProcessSeed.Value);
        int refused = 0;
        for (int round = 0; round < Rounds; round++)
        {
            (PlainOfSwitch together, PlainOfSwitch apart) = (new(), new());
            (OfTalk whole, OfTalk single) = (new(together, new OfConnectionGroup(), version), new(apart, new OfConnectionGroup(), version));
            byte[][] messages = [.. Enumerable.Range(1, random.Next(2, 40)).Select(i => OfCodec.Encode(Message(random) with { Xid = (uint)i }, version))];
            byte[] bytes = [.. messages.SelectMany(static m => m)];
            for (int at = 0, piece; at < bytes.Length; at += piece)
            {
                piece = Math.Min(bytes.Length - at, random.Next(3) == 0 ? random.Next(1, 200) : bytes.Length);
                Assert.True(whole.Connection.Receive(bytes.AsSpan(at, piece)));
            }

            foreach (byte[] message in messages) Assert.True(single.Connection.Receive(message));
            Assert.Equal(single.Come.Select(Said), whole.Come.Select(Said));
            Assert.Equal(Rules(apart), Rules(together));
            refused += whole.Come.Count(static m => m is OfErrorMessage);
        }

        Assert.True(refused > Rounds, $"{refused} messages were refused");
    }

    [Fact]
    public void Who_watches_is_told_of_each_modification_and_of_what_came_and_went()
    {
        PlainOfSwitch of = new();
        OfConnectionGroup group = new();
        of.Watch(group);
        (OfTalk watcher, OfTalk other) = (new(of, group, OfVersion.V13), new(of, group, OfVersion.V13));
        OfFlowMonitor monitor = new() { Id = 4, Table = 255, Flags = OfMonitorFlags.Add | OfMonitorFlags.Delete };
        Assert.Null(watcher.ErrorOf(new OfFlowMonitorRequest { Kind = OfKind.FlowMonitorRequest, Monitors = new EquatableList<OfFlowMonitor>([monitor]) }));
        watcher.Come.Clear();
        byte[] both = [.. OfCodec.Encode(OfTalk.Flow("tcp,actions=output:1"), OfVersion.V13), .. OfCodec.Encode(OfTalk.Flow("tcp", FlowModCommand.DeleteStrict), OfVersion.V13)];
        Assert.True(other.Connection.Receive(both));
        Assert.Equal([OfFlowEvent.Added, OfFlowEvent.Removed], watcher.Come.OfType<OfFlowMonitorReply>().SelectMany(static r => r.Updates).Select(static u => u.Event));
    }

    private static OfMessage Message(Random random)
    {
        string match = new[] { "tcp", "udp", "ip", "", "tcp,tp_dst=80" }[random.Next(5)];
        string flow = $"priority={random.Next(3)}{(match.Length > 0 ? "," : "")}{match}";
        string actions = new[] { "output:1", "output:2", "group:9", "meter:3,output:1", "drop" }[random.Next(5)];
        return random.Next(9) switch
        {
            0 => new OfEmpty { Kind = OfKind.BarrierRequest },
            1 => OfTalk.Flow(match, FlowModCommand.Delete),
            2 => OfTalk.Flow(flow, FlowModCommand.DeleteStrict),
            3 => OfTalk.Flow($"{match}{(match.Length > 0 ? "," : "")}actions={actions}", FlowModCommand.Modify),
            4 => OfTalk.Flow($"{flow},check_overlap,actions={actions}"),
            5 => new OfOpaque { Kind = OfKind.EchoRequest, Body = new OfBytes([1, 2]) },
            _ => OfTalk.Flow($"{flow},actions={actions}"),
        };
    }

    private static string Said(OfMessage message) => message is OfErrorMessage error ? $"{error.Xid} {Convert.ToHexString(error.Body.Span)}" : $"{message.Xid} {message.Kind}";

    private static IEnumerable<string> Rules(PlainOfSwitch of) => of.Rules(null).Select(static r => new FlowTextFormatter().FormatWithoutStats(r));
}
