using System.Threading.Channels;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Text;

namespace Mergeflow.Control.Bridges;

/// <summary>
/// What translations complain of, for the log (OVS <c>xlate_report_error</c>). Packet threads leave it here, as far as there is room; the thread that makes bridges writes it, so that no packet waits for a file.
/// </summary>
/// <param name="log">Takes lines.</param>
internal sealed class ComplaintLog(Action<string> log)
{
    /// <summary>Complaints that wait; who sends packets decides how many there are, and a minute has far fewer lines.</summary>
    private const int Room = 64;

    private readonly LogLimit _limit = new(log, linesPerMinute: 1, burst: 5);
    private readonly FlowTextFormatter _formatter = new();
    private readonly Channel<TranslationComplaint> _left = Channel.CreateBounded<TranslationComplaint>(new BoundedChannelOptions(Room) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    /// <summary>Leaves one for <see cref="Write"/>. Any thread.</summary>
    public void Leave(TranslationComplaint complaint) => _left.Writer.TryWrite(complaint);

    /// <summary>Writes what has been left, as far as people can read it. For one thread.</summary>
    public void Write()
    {
        while (_left.Reader.TryRead(out TranslationComplaint? c)) _limit.Write($"{c.Text} on bridge {c.Bridge.Name} while processing {TraceFlowText.Flow(c.Flow, _formatter, c.PacketType)}");
    }
}
