using System.Runtime.CompilerServices;
using Mergeflow.Native;

namespace Mergeflow.Engine.Telemetry;

/// <summary>
/// Cycles per stage of the packet path. Marks per packet would cost more than what lies between them, so most batches are marked once per step of
/// the whole batch; one batch in <see cref="FinePeriod"/> is marked packet by packet, and only says how the execution of the others divides.
/// The clock's own cost is measured first. It overlaps with the work around it by an unknown part, so half of it is taken off.
/// </summary>
/// <param name="clock">Gives the time in ticks that never go back; null = the processor's own counter.</param>
public sealed class StageTimes(Func<ulong>? clock = null)
{
    /// <summary>One batch in so many is marked packet by packet. No power of two: rings and captures are.</summary>
    public const int FinePeriod = 61;

    private static readonly int s_stageCount = Enum.GetValues<PmdStage>().Length;

    private readonly ulong[] _cycles = new ulong[s_stageCount];
    private readonly ulong[] _marks = new ulong[s_stageCount];
    private readonly ulong[] _fineCycles = new ulong[s_stageCount];
    private readonly ulong[] _fineMarks = new ulong[s_stageCount];
    private ulong _executeCycles;
    private ulong _executeMarks;
    private PmdStage _stage;
    private ulong _since;
    private bool _isExecuting;
    private int _untilFine = FinePeriod;

    /// <summary>Cycles that one mark takes.</summary>
    public double MarkCycles { get; private set; }

    /// <summary>Polls of the receive queue.</summary>
    public ulong Polls { get; private set; }

    /// <summary>Of these, polls that were not marked packet by packet: what <see cref="Cycles"/> is about.</summary>
    public ulong CoarsePolls { get; private set; }

    /// <summary>This batch is marked packet by packet.</summary>
    internal bool IsFine { get; private set; }

    /// <summary>The stage that the clock runs for.</summary>
    internal PmdStage Stage => _stage;

    private ulong Now => clock is null ? TscClock.Now : clock();

    /// <summary>Forgets everything; from now on time counts, as <see cref="PmdStage.Between"/>.</summary>
    public void Start()
    {
        Calibrate();
        Array.Clear(_cycles);
        Array.Clear(_marks);
        Array.Clear(_fineCycles);
        Array.Clear(_fineMarks);
        (_executeCycles, _executeMarks, Polls, CoarsePolls) = (0, 0, 0, 0);
        _stage = PmdStage.Between;
        (_isExecuting, IsFine) = (false, false);
        _since = Now;
    }

    /// <summary>Cycles per stage over all <see cref="CoarsePolls"/>; execution divided as in the finely marked batches.</summary>
    public double[] Cycles()
    {
        double[] result = [.. Enumerable.Range(0, s_stageCount).Select(i => Net(_cycles[i], _marks[i]))];
        double[] fine = [.. Enumerable.Range(0, s_stageCount).Select(i => Net(_fineCycles[i], _fineMarks[i]))];
        double execute = Net(_executeCycles, _executeMarks);
        double sum = fine.Sum();
        if (sum == 0) result[(int)PmdStage.Actions] += execute;
        else for (int i = 0; i < s_stageCount; i++) result[i] += execute * fine[i] / sum;
        return result;
    }

    /// <summary>A poll begins.</summary>
    internal void BeginPoll()
    {
        Mark();
        _isExecuting = false;
        IsFine = --_untilFine == 0;
        if (IsFine) _untilFine = FinePeriod;
        else CoarsePolls++;
        Polls++;
        _stage = PmdStage.Receive;
    }

    /// <summary>A step over the whole batch begins.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Enter(PmdStage stage)
    {
        Mark();
        _stage = stage;
    }

    /// <summary>Packet by packet from here to the end of the batch.</summary>
    internal void Execute()
    {
        Mark();
        _isExecuting = true;
        _stage = PmdStage.Actions;
    }

    /// <summary>The batch is done.</summary>
    internal void EndPoll()
    {
        Mark();
        _isExecuting = false;
        IsFine = false;
        _stage = PmdStage.Between;
    }

    private double Net(ulong cycles, ulong marks) => Math.Max(0, cycles - (marks * MarkCycles / 2));

    private void Mark()
    {
        ulong now = Now;
        ulong took = now - _since;
        if (_isExecuting && IsFine)
        {
            _fineCycles[(int)_stage] += took;
            _fineMarks[(int)_stage]++;
        }
        else if (_isExecuting)
        {
            _executeCycles += took;
            _executeMarks++;
        }
        else if (!IsFine)
        {
            _cycles[(int)_stage] += took;
            _marks[(int)_stage]++;
        }

        _since = now;
    }

    /// <summary>What a mark costs when nothing lies between two: the least of several rounds, as interruptions only add.</summary>
    private void Calibrate()
    {
        const int rounds = 50;
        const int marks = 1000;
        MarkCycles = double.MaxValue;
        (_isExecuting, IsFine) = (false, false);
        for (int r = 0; r < rounds; r++)
        {
            ulong start = Now;
            for (int i = 0; i < marks; i++) Enter(PmdStage.Between);
            MarkCycles = Math.Min(MarkCycles, (Now - start) / (double)marks);
        }
    }
}
