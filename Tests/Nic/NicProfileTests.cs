using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.Tests;

public sealed class NicProfileTests
{
    [Fact]
    public void Embedded_profiles_load_and_survive_their_JSON()
    {
        Assert.Equal(["ideal", "kernel", "no-nat", "no-tcp-flags-match", "single-table-small", "slow-insert", "tiny"], NicProfile.EmbeddedNames);
        foreach (string name in NicProfile.EmbeddedNames)
        {
            NicProfile p = NicProfile.Load(name);
            Assert.Equal(name, p.Name);
            string json = p.ToJson();
            NicProfile back = NicProfile.Parse("x", json);
            Assert.Equal(json, back.ToJson());
            Assert.Equal(p.Fields, back.Fields);
            Assert.Equal(p.Actions, back.Actions);
            Assert.True(p.Items.SetEquals(back.Items));
            Assert.Equal(p with { Items = back.Items, Fields = back.Fields, Actions = back.Actions }, back);
        }
    }

    [Fact]
    public void Embedded_profiles_say_what_their_names_say()
    {
        NicProfile ideal = NicProfile.Load("ideal");

        // The emulated device has everything but tunnels.
        Assert.All(NicFields.All, f => Assert.Equal(f.Headers == NicHeaders.Tunnel ? MatchSupport.None : MatchSupport.Masked, ideal.Supports(f.Field)));
        Assert.All(FlowNames.Actions, a => Assert.Equal(a is "tunnel_decap" or "tunnel_encap" ? MatchSupport.None : MatchSupport.Masked, ideal.SupportsAction(a)));
        Assert.Equal(FlowNames.Items.Where(static i => i != "tunnel").Order(), ideal.Items.Order());
        NicProfile small = NicProfile.Load("single-table-small");
        Assert.Equal((4096, 128), (small.ExactMatchEntries, small.WildcardRows));
        NicProfile tiny = NicProfile.Load("tiny");
        Assert.Equal((16, 4), (tiny.ExactMatchEntries, tiny.WildcardRows));
        NicProfile slow = NicProfile.Load("slow-insert");
        Assert.Equal((5000, 2_000_000), (slow.InsertsPerSecond, slow.InsertLatencyNs));
        Assert.Equal(MatchSupport.None, NicProfile.Load("no-tcp-flags-match").Supports(NicField.TcpFlags));
        Assert.Equal(MatchSupport.None, NicProfile.Load("no-nat").SupportsAction("set_ipv4_src"));
        Assert.Equal(MatchSupport.Masked, NicProfile.Load("no-nat").SupportsAction("set_mac_src"));
    }

    [Fact]
    public void A_file_is_loaded_by_path()
    {
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.json");
        File.WriteAllText(path, """{ "name": "mine", "extends": "tiny", "vlanTags": 1, "counterRefreshMs": 250 }""");
        try
        {
            NicProfile p = NicProfile.Load(path);
            Assert.Equal(("mine", 16, 250_000_000L), (p.Name, p.ExactMatchEntries, p.CounterRefreshNs));
            Assert.Equal(MatchSupport.None, p.Supports(NicField.HasMoreVlan));
            Assert.Equal(MatchSupport.Masked, p.Supports(NicField.VlanVid));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("{\"name\":\"x\",\n\"extends\":\"ideal\",\n\"exactMatch\":{\"entries\":-5}}", "p:3: exactMatch.entries: expected a whole number from 0 to 4194304, got -5")]
    [InlineData("{\"name\":\"x\",\"extends\":\"ideal\",\"exactMatch\":{\"entires\":5}}", "p:1: exactMatch.entires: unknown member; known here: entries, templates")]
    [InlineData("{\"name\":\"x\",\"extends\":\"ideal\",\"colour\":5}", "p:1: colour: unknown member; known here: name, extends,")]
    [InlineData("{\"name\":\"x\",\"extends\":\"ideal\",\"fields\":{\"ipv4_sr\":\"exact\"}}", "p:1: fields.ipv4_sr: unknown field")]
    [InlineData("{\"name\":\"x\",\"extends\":\"ideal\",\"fields\":{\"ipv4_src\":\"some\"}}", "p:1: fields.ipv4_src: expected none, exact or masked, got 'some'")]
    [InlineData("{\"name\":\"x\",\"extends\":\"ideal\",\"fields\":{\"ipv4_src\":1}}", "p:1: fields.ipv4_src: expected a string, got 1")]
    [InlineData("{\"name\":\"x\",\"extends\":\"ideal\",\"actions\":{\"fly\":\"exact\"}}", "p:1: actions.fly: unknown action; actions: set_mac_src")]
    [InlineData("{\"name\":\"x\",\"extends\":\"ideal\",\"items\":[\"eth\",\"ether\"]}", "p:1: items[1]: unknown item 'ether'; items: eth")]
    [InlineData("{\"name\":\"x\",\"extends\":\"ideal\",\"queue\":[]}", "p:1: queue: expected an object")]
    [InlineData("{\"name\":\"x\",\"extends\":\"ideal\",\"queue\":{\"depth\":1.5}}", "p:1: queue.depth: expected a whole number from 1 to 1048576, got 1.5")]
    [InlineData("{\"name\":\"x\",\"extends\":\"ideal\",\"queue\":{\"insertsPerSecond\":99999999999999999999}}", "p:1: queue.insertsPerSecond: expected a whole number from 0")]
    [InlineData("{\"name\":\"x\",\"extends\":\"ideal\",\"verifiesChecksums\":\"yes\"}", "p:1: verifiesChecksums: expected true or false, got 'yes'")]
    [InlineData("{\"name\":\"x\",\"extends\":\"idle\"}", "p:1: extends: no profile 'idle'; profiles: ideal,")]
    [InlineData("{\"name\":\"x\",\"extends\":\"ideal\",\n\"name\":\"y\"}", "p:2: name: given twice")]
    [InlineData("{\"extends\":\"ideal\"}", "p:1: member 'name' is missing")]
    [InlineData("{\"name\":\"x\"}", "p:1: member 'exactMatch' is missing")]
    [InlineData("{\"name\":\"x\",\n\"extends\" \"ideal\"}", "p:2: not JSON, near byte")]
    [InlineData("{\"name\":\"x\"", "p:1: not JSON, near byte")]
    [InlineData("[]", "p:1: expected an object")]
    [InlineData("", "p:1: not JSON, near byte")]
    public void A_bad_profile_is_refused_in_one_line_that_names_the_place(string json, string message)
    {
        NicConfigException e = Assert.Throws<NicConfigException>(() => NicProfile.Parse("p", json));
        Assert.StartsWith(message, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
    }

    [Fact]
    public void An_unknown_name_lists_the_profiles()
        => Assert.StartsWith("nope: neither a file nor a profile; profiles: ideal, kernel, no-nat", Assert.Throws<NicConfigException>(() => NicProfile.Load("nope")).Message, StringComparison.Ordinal);

    [Fact]
    public void Field_table_is_consistent()
    {
        for (int i = 0; i < NicFields.All.Count; i++)
        {
            NicFieldInfo f = NicFields.All[i];
            Assert.Equal(i, (int)f.Field);
            Assert.Same(f, NicFields.Find(f.Name));
            Assert.True(f.Offset + f.SizeBytes <= NicKey.SizeBytes);
            Assert.True(f.SizeBytes == 16 || f.FullMask >> (8 * f.SizeBytes) == 0);
            foreach (NicFieldInfo g in NicFields.All.Skip(i + 1))
            {
                bool overlap = f.Offset == g.Offset && f.SizeBytes == g.SizeBytes && (f.FullMask & g.FullMask) != 0;
                Assert.False(overlap && (f.Headers == NicHeaders.None || (f.Headers & g.Headers) != 0), $"{f.Name} and {g.Name} share bits");
            }
        }
        Assert.Equal(Enum.GetValues<NicField>().Length, NicFields.All.Count);
    }
}
