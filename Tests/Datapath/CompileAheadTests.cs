using System.Runtime;
using Mergeflow.Engine.Runtime;
using Xunit;

namespace Mergeflow.Tests;

public sealed class CompileAheadTests
{
    /// <summary>Behind it, a datapath and its first order have 288 methods compiled, generic ones; without it 754.</summary>
    [Fact]
    public void What_has_been_compiled_ahead_is_not_compiled_when_it_is_called()
    {
        int methods = CompileAhead.Run();
        Assert.InRange(methods, 5_000, int.MaxValue);
        long before = JitInfo.GetCompiledMethodCount(currentThread: true);
        using Datapath datapath = new(new DatapathOptions { Ports = [("p1", 1), ("p2", 2)], FrameCapacityBytes = 256, PacketCapacity = 64, EmcEntryCount = 1024 }, sink: null);
        datapath.PurgeMegaflows(1);
        Assert.InRange(JitInfo.GetCompiledMethodCount(currentThread: true) - before, 0, 450);

        // Nothing is left for a second time.
        before = JitInfo.GetCompiledMethodCount(currentThread: true);
        Assert.Equal(methods, CompileAhead.Run());
        Assert.InRange(JitInfo.GetCompiledMethodCount(currentThread: true) - before, 0, 100);
    }
}
