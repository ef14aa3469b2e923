using System.Text.RegularExpressions;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>One seed for whatever is drawn by chance: it can be read, set, and nothing is drawn beside it.</summary>
public sealed partial class ProcessSeedTests
{
    [Fact]
    public void Same_seed_and_purpose_same_value()
    {
        string[] purposes = ["hash, upper half", "hash, lower half", "conntrack", "nic", "sample"];
        ulong[] values = [.. purposes.SelectMany(p => new[] { ProcessSeed.Derive(1, p), ProcessSeed.Derive(2, p) })];
        Assert.Equal(values.Length, values.Distinct().Count());
        Assert.DoesNotContain(0UL, values);
        Assert.Equal(ProcessSeed.Derive(ProcessSeed.Value, "nic"), ProcessSeed.For("nic"));
        Assert.Equal($"{ProcessSeed.Variable}={ProcessSeed.Value}", ProcessSeed.Text);
    }

    [Theory]
    [InlineData("0", 0)]
    [InlineData("18446744073709551615", ulong.MaxValue)]
    [InlineData("0xff", 255)]
    public void A_number_is_read(string text, ulong expected)
    {
        Assert.True(ProcessSeed.TryParse(text, out ulong seed));
        Assert.Equal(expected, seed);
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("18446744073709551616")]
    [InlineData("0x")]
    [InlineData("12 ")]
    [InlineData("seed")]
    public void What_is_no_number_is_refused(string text) => Assert.False(ProcessSeed.TryParse(text, out _));

    [Fact]
    public void Nothing_else_is_drawn_by_chance()
    {
        string[] drawing = [.. new[] { "Native", "Nic", "Engine", "Cli", "Perf" }.SelectMany(p => RepositoryFiles.Sources(p)).Where(f => Drawing().IsMatch(RepositoryFiles.Read(f))).Order(StringComparer.Ordinal)];
        Assert.Equal(["Native/Hash/ProcessSeed.cs"], drawing);
    }

    /// <summary>A generator that gets its seed as an argument is no source of chance.</summary>
    [GeneratedRegex(@"RandomNumberGenerator|new Random\(\)|Random\.Shared|Guid\.NewGuid|string\.GetNonRandomizedHashCode")]
    private static partial Regex Drawing();
}
