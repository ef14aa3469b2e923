using Mergeflow.Cli;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Connections outlive a switch: another one, with other secrets, goes on with the packets as the first one would have.</summary>
public sealed class SavedConnectionTests
{
    private const int Cuts = 4;

    [Theory]
    [MemberData(nameof(TrackedCases))]
    public void Another_switch_goes_on_as_the_first_would_have(string name)
    {
        ReplayArguments arguments = ReplayArguments.FromCase(CaseFiles.Load(name).Directory) with { Quirks = Quirks.None, BatchSize = 1, PmdCount = 1 };
        List<string> whole = Run(arguments, 0, null, out List<IReadOnlyList<SavedConn>> saved, out long events);
        int compared = 0;
        for (int cut = 0; cut < saved.Count; cut++)
        {
            long from = (cut + 1) * events / (Cuts + 1);
            using TemporaryFolder folder = new();
            using (FileStream file = File.Create(folder["c"])) ConnectionFile.Write(file, saved[cut], DateTime.UtcNow);
            IReadOnlyList<SavedConn> read = ConnectionFile.Read(folder["c"], null);
            Assert.Equal(saved[cut], read);
            List<string> rest = Run(arguments with { Seed = 77 }, from, read, out _, out _);
            Assert.Equal(whole.Skip(whole.Count - rest.Count), rest);
            compared += read.Count;
        }

        Assert.True(compared > 0);
    }

    /// <summary>Cases with connections in which nothing but connections, flows and groups decides; not chance (ports of a range), nor which of two connections with one tuple is the younger.</summary>
    public static TheoryData<string> TrackedCases =>
    [
        "ct_firewall", "ct_firewall__noseq", "ct_timeouts", "ct_zone_mark_label", "flow_mods", "fuzz_ct_1", "fuzz_ct_2", "fuzz_ct_3", "ipv6_ct_nat", "nat_dnat_lb", "nat_snat", "ovn_like",
        "recirc_chain",
    ];

    [Fact]
    public void What_makes_no_sense_is_left_out_and_so_is_a_tuple_that_is_taken()
    {
        ReplayArguments arguments = ReplayArguments.FromCase(CaseFiles.Load("nat_snat").Directory) with { Quirks = Quirks.None };
        Run(arguments, 0, null, out List<IReadOnlyList<SavedConn>> saved, out _);
        SavedConn tcp = saved[^1].First(static c => c.Orig.Proto == IpProto.Tcp && c.Nat != 0);
        SavedConn[] wrong =
        [
            tcp with { Nat = 3 },
            tcp with { Nat = 0 },
            tcp with { LeftMs = 0 },
            tcp with { LeftMs = long.MaxValue },
            tcp with { L4State = 9 },
            tcp with { OrigPeer = tcp.OrigPeer with { State = (TcpState)99 } },
            tcp with { ReplyPeer = tcp.ReplyPeer with { WScale = 0x2f } },
            tcp with { Reply = tcp.Reply with { Proto = IpProto.Udp } },
            tcp with { Reply = tcp.Reply with { IsIpv6 = true } },
        ];
        using ReplaySession session = new(arguments, Stream.Null);
        Assert.Equal(0, session.Simulator.Datapath.RestoreConnections(wrong, 0));
        Assert.Equal(1, session.Simulator.Datapath.RestoreConnections([tcp, tcp], 0));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("{\"version\":2,\"saved_at_ms\":0}")]
    [InlineData("{\"version\":1,\"saved_at_ms\":0}\n{\"proto\":6}")]
    [InlineData("{\"version\":1,\"saved_at_ms\":0}\n[1]")]
    [InlineData("nonsense")]
    public void A_file_that_is_none_is_refused(string text)
    {
        using TemporaryFolder folder = new();
        Assert.Equal(ExitCode.BadInput, Assert.Throws<CommandFailedException>(() => ConnectionFile.Read(folder.Write("c", text), null)).Code);
    }

    private static List<string> Run(ReplayArguments arguments, long from, IReadOnlyList<SavedConn>? restored, out List<IReadOnlyList<SavedConn>> saved, out long events)
    {
        saved = [];
        events = 0;
        using MemoryStream lines = new();
        using ReplaySession count = new(arguments, Stream.Null);
        while (count.Read()) events++;
        using ReplaySession session = new(arguments, lines);
        long at = 0, begin = 0;
        while (session.Read())
        {
            session.Synchronize();
            session.Drain();
            if (at == from)
            {
                begin = lines.Length;
                if (restored is not null) Assert.Equal(restored.Count, session.Simulator.Datapath.RestoreConnections(restored, session.Simulator.NowMs));
            }

            if (restored is null && saved.Count < Cuts && at == (saved.Count + 1) * events / (Cuts + 1)) saved.Add(session.Simulator.Datapath.SaveConnections(session.Simulator.NowMs));

            // Before that only what is not a packet.
            if (at >= from || session.Event.Op != ReplayOp.Packet) session.Execute();
            at++;
        }

        session.Finish();
        return [.. System.Text.Encoding.UTF8.GetString(lines.ToArray().AsSpan((int)begin)).TrimEnd('\n').Split('\n')];
    }
}
