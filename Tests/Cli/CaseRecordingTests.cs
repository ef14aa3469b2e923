using System.Text;
using Mergeflow.Cli;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What a recorded case has of the changes that were noted meanwhile.</summary>
public sealed class CaseRecordingTests
{
    [Fact]
    public void Changes_of_other_bridges_are_not_in_the_case_of_a_bridge()
    {
        using LiveLog log = new(TextWriter.Null, null);
        Control.LiveSwitch live = new(new DatapathOptions { Ports = [], PacketCapacity = 256, FrameCapacityBytes = 2048 });
        using RunningSwitch running = new(live, [], new RuleFiles(null, null, null), log);
        running.Start([], []);
        Engine.Runtime.Datapath d = live.Datapath;
        DatapathBridge other = d.AddBridge("br1", running.NowMs);
        CaseRecording recording = new(running, d.MomentNow(running.NowMs));
        ChangeJournal journal = new();
        d.Hang(journal);
        other.ApplyFlowMods(Rules("table=3 actions=drop"), running.NowMs);
        other.Ports.Add(new PipelinePort("q1", 1) { InDatapath = 9 }, 1, running.NowMs);
        d.ApplyFlowMods(Rules("table=1 actions=drop"), running.NowMs);
        d.Unhang(journal);
        Assert.Equal(["br1", "br1", d.Pipeline.Name], journal.Changes.Select(static c => c.Bridge));
        Dictionary<string, string> files = [];
        Assert.Equal(1, recording.Write((name, bytes) => files[name] = Encoding.UTF8.GetString(bytes), journal.Changes));
        Assert.Equal("{\"i\":0,\"t\":0,\"op\":\"flow_mods\",\"lines\":[\"add table=1 actions=drop\"]}\n", files["events.jsonl"]);
        Assert.Equal("{\"i\":0,\"out\":[]}\n", files["expected.jsonl"]);
    }

    private static IReadOnlyList<FlowMod> Rules(string rule) => new FlowTextParser().ParseFlows(rule);
}
