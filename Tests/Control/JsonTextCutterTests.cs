using System.Text;
using Mergeflow.Control;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Objects that follow each other in a stream of bytes.</summary>
public sealed class JsonTextCutterTests
{
    private const string Two = " {\"a\":\"}{\\\"\",\"b\":[1,{}]}\r\n\t{}";

    [Fact]
    public void Objects_are_cut_wherever_the_stream_breaks()
    {
        byte[] bytes = Encoding.UTF8.GetBytes(Two);
        for (int first = 0; first <= bytes.Length; first++)
        {
            for (int second = first; second <= bytes.Length; second++)
            {
                JsonTextCutter cutter = new(1000);
                List<string> found = [];
                foreach (Range part in new[] { ..first, first..second, second.. })
                {
                    cutter.Add(bytes.AsSpan(part));
                    while (cutter.TryTake(out ReadOnlyMemory<byte> text)) found.Add(Encoding.UTF8.GetString(text.Span));
                }

                Assert.Equal(["{\"a\":\"}{\\\"\",\"b\":[1,{}]}", "{}"], found);
                Assert.False(cutter.IsWithin);
            }
        }
    }

    [Theory]
    [InlineData("[]", "is a JSON object")]
    [InlineData("}", "is a JSON object")]
    [InlineData("x", "is a JSON object")]
    [InlineData("{}1", "is a JSON object")]
    public void What_is_no_object_is_refused(string text, string expected)
    {
        JsonTextCutter cutter = new(1000);
        cutter.Add(Encoding.UTF8.GetBytes(text));
        UnixctlException e = Assert.Throws<UnixctlException>(() =>
        {
            while (cutter.TryTake(out _))
            {
                // The next one.
            }
        });
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nesting_ends_somewhere()
    {
        string Deep(int levels) => new string('{', levels) + new string('}', levels);
        JsonTextCutter cutter = new(1000);
        cutter.Add(Encoding.UTF8.GetBytes(Deep(JsonTextCutter.MaxDepth)));
        Assert.True(cutter.TryTake(out _));
        cutter.Add(Encoding.UTF8.GetBytes(Deep(JsonTextCutter.MaxDepth + 1)));
        Assert.Throws<UnixctlException>(() => cutter.TryTake(out _));
    }

    [Fact]
    public void An_object_that_does_not_end_is_not_kept_for_ever()
    {
        JsonTextCutter cutter = new(100);
        cutter.Add("{\""u8);
        for (int i = 0; i < 98; i++)
        {
            cutter.Add("x"u8);
            Assert.False(cutter.TryTake(out _));
        }

        Assert.Throws<UnixctlException>(() => cutter.Add("x"u8));
    }

    [Fact]
    public void The_longest_object_comes_through_however_many_came_before()
    {
        byte[] text = Encoding.UTF8.GetBytes($"{{\"a\":\"{new string('x', 92)}\"}}");
        JsonTextCutter cutter = new(text.Length);
        for (int i = 0; i < 100; i++)
        {
            foreach (byte b in text) cutter.Add([b]);
            Assert.True(cutter.TryTake(out ReadOnlyMemory<byte> found));
            Assert.Equal(text, found.ToArray());
        }
    }
}
