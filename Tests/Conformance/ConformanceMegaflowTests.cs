using System.Text.Json;
using Mergeflow.Engine;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>How wide megaflows are: not more of them than Open vSwitch had in the same case, and clearly fewer where many rules match on ports.</summary>
public sealed class ConformanceMegaflowTests(ITestOutputHelper output)
{
    [Fact]
    public void ThereAreFewerMegaflowsThanInOpenVSwitch()
    {
        long ours = 0, theirs = 0, oursWhereMany = 0, theirsWhereMany = 0;
        foreach (string name in CaseFiles.Names.Where(n => !n.EndsWith(CaseFiles.NoSeqSuffix, StringComparison.Ordinal)))
        {
            if (CaseFiles.Load(name).ReadJson("final.json.gz") is not JsonElement final) continue;
            long recorded = final.GetProperty("megaflows").GetArrayLength();
            long got = ConformanceRun.FinalNumber(ConformanceRun.Replay(name, OffloadMode.None), "n_megaflows");
            output.WriteLine($"{name,-24} {got,6} {recorded,6}");
            Assert.True(got <= recorded, $"{name}: {got} megaflows, Open vSwitch has {recorded}");
            ours += got;
            theirs += recorded;
            if (name != "acl" && !name.StartsWith("fuzz_", StringComparison.Ordinal)) continue;
            oursWhereMany += got;
            theirsWhereMany += recorded;
        }

        output.WriteLine($"{"all",-24} {ours,6} {theirs,6}");
        Assert.True(theirs > 0, "no case has recorded megaflows");
        Assert.True(oursWhereMany * 10 <= theirsWhereMany * 8, $"acl and fuzz_*: {oursWhereMany} megaflows, Open vSwitch has {theirsWhereMany}");
    }
}
