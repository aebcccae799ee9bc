/** What the commands around a run folder share: data in, model made, results out. */
#ifndef RG_CLI_WORK_H
#define RG_CLI_WORK_H

#include "regatta/cli.h"
#include "regatta/train.h"

/** Open FILE as the plan says. Collective. */
rg_status rg_work_open(rg_comm *comm, const char *path, const rg_plan *plan,
                       rg_file **file);
/** Rows of the teacher's embedding for the data set (empty without a teacher): the
 *  embedding of a modality, or an obsm matrix of the file. Owned. Collective. */
rg_status rg_work_teacher(rg_file *file, const rg_plan *plan, const rg_dataset *dataset,
                          rg_mat *teacher);
/** Mark the cells of the data set that data.hold_out and data.validation name. Collective.
 *  RG_EINPUT, RG_EUSAGE. */
rg_status rg_work_hold_out(rg_file *file, const rg_plan *plan, rg_dataset *dataset);
/** The data set of FILE with the features of RUN/prepared, for inference. Collective. */
rg_status rg_work_dataset(rg_comm *comm, const char *run, const rg_plan *plan,
                          rg_file *file, rg_dataset *dataset);
/** Rows of the data set as rows of the file; cells that were dropped are NaN. Owned.
 *  Collective. */
rg_mat rg_work_to_file(rg_file *file, const rg_dataset *dataset, const rg_mat *rows);
/** An annot with the names and the columns of obs of a file, and those that the plan names
 *  from wherever they lie. Collective. */
rg_status rg_work_annot(rg_file *file, const rg_plan *plan, rg_annot *annot);
/** Add the embeddings made before training (X_pca, X_lsi), where FILE is what RUN was
 *  trained on, and the depth of every cell. Collective. */
rg_status rg_work_before(rg_file *file, const char *run, const rg_dataset *dataset,
                         rg_annot *annot);
/** Provenance under uns/regatta. Collective. */
void rg_work_provenance(rg_comm *comm, rg_annot *annot, const rg_call *call,
                        const rg_file *file, const rg_plan *plan);

/** Print what is in a run folder: recipe, state, checkpoints, hash of the parameters.
 *  Collective. */
rg_status rg_work_inspect(rg_comm *comm, const char *run);
/** Note the command line, its input, the program and the machine in RUN/commands.jsonl: one
 *  line for each command that made the run, after those that were there when it goes on
 *  with them. Collective. */
rg_status rg_work_history(const rg_call *call, const char *run, bool goes_on);
/** Write RUN/STATUS: running, done, stopped or failed. Collective. */
rg_status rg_work_status(rg_comm *comm, const char *run, const char *state);
/** Tell the run folder how a command ended, the same on every rank: STATUS and timers.csv.
 *  A part of a longer command that went well leaves STATUS as it is. Returns `status` with
 *  its message, or what kept the folder from being told. Collective. */
rg_status rg_work_finish(rg_comm *comm, const char *run, bool part, rg_status status);
/** Write RUN/timers.csv, a row per scope of any rank: calls (of the rank with most),
 *  seconds (least, mean, most over ranks, and the rank with most), bytes, messages and
 *  rounds (sums over ranks, as comm.h counts them), seconds in rounds (mean over ranks)
 *  and outside them (most over ranks); a rank without the scope counts as zeros. Beside
 *  it RUN/ranks.csv, a row per rank: host, threads, peak memory, cells, seconds of the
 *  processor, and the same of comm. Collective. */
rg_status rg_work_timers(rg_comm *comm, const char *run);
/** Cells this rank trains on, for RUN/ranks.csv; kept until the program ends. Not
 *  collective. */
void rg_work_cells(int64_t cells);
/** Print where the time went: of every scope of some weight calls, mean seconds over ranks,
 *  share, the slowest rank over the mean, and the share of waiting. Collective. */
void rg_work_table(rg_comm *comm);
/** Warn once when what this process and the others of its host have asked for is more than
 *  the host, or the job, has. Collective. */
void rg_work_warn_memory(rg_comm *comm);
/** Print peak memory, least and most over ranks. Collective. */
void rg_work_memory(rg_comm *comm);

#endif
