using System.Globalization;
using System.Text;
using System.Text.Json;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// How wide megaflows are: not more of them than Open vSwitch had in the same case, and clearly fewer where many rules match on ports. The table in
/// docs/conformance.md says how many; with <c>UPDATE_DOCS=1</c> it is written anew.
/// </summary>
public sealed class ConformanceMegaflowTests
{
    private const string Document = "docs/conformance.md";
    private const string TableHead = "| case | ours | Open vSwitch |\n|---|---|---|\n";

    [Fact]
    public void There_are_fewer_megaflows_than_in_Open_vSwitch()
    {
        StringBuilder table = new(TableHead);
        long ours = 0, theirs = 0, oursWhereMany = 0, theirsWhereMany = 0;
        foreach (string name in CaseFiles.Names.Where(n => !n.EndsWith(CaseFiles.NoSeqSuffix, StringComparison.Ordinal)))
        {
            if (CaseFiles.Load(name).ReadJson("final.json.gz") is not JsonElement final) continue;
            long recorded = final.GetProperty("megaflows").GetArrayLength();
            long got = ConformanceRun.FinalNumber(ConformanceRun.Replay(name, OffloadMode.None), "n_megaflows");
            table.Append(CultureInfo.InvariantCulture, $"| {name} | {got} | {recorded} |\n");
            Assert.True(got <= recorded, $"{name}: {got} megaflows, Open vSwitch has {recorded}");
            ours += got;
            theirs += recorded;
            if (name != "acl" && !name.StartsWith("fuzz_", StringComparison.Ordinal)) continue;
            oursWhereMany += got;
            theirsWhereMany += recorded;
        }

        table.Append(CultureInfo.InvariantCulture, $"| all | {ours} | {theirs} |\n");
        Assert.True(theirs > 0, "no case has recorded megaflows");
        Assert.True(oursWhereMany * 10 <= theirsWhereMany * 8, $"acl and fuzz_*: {oursWhereMany} megaflows, Open vSwitch has {theirsWhereMany}");
        CheckDocument(table.ToString());
    }

    private static void CheckDocument(string table)
    {
        string text = RepositoryFiles.Read(Document);
        int from = text.IndexOf(TableHead, StringComparison.Ordinal);
        int to = text.IndexOf("\n\n", from, StringComparison.Ordinal) + 1;
        if (Environment.GetEnvironmentVariable("UPDATE_DOCS") == "1") File.WriteAllText(Path.Combine(RepositoryFiles.Root, Document), text[..from] + table + text[to..]);
        else Assert.Equal(table, text[from..to]);
    }
}
